/** Bundled by portability_test.ts: prints the digest of core in Node, writes it into the page in a browser. */
import { digest } from "./portability_program.ts";

const text = JSON.stringify(await digest());
const page = (globalThis as { document?: { title: string } }).document;
if (page) page.title = text;
else console.log(text);
