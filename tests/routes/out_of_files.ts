/** A server that at /take opens files until there are none, and closes them two seconds later. */
import { listen } from "../../routes/http/listen.ts";
import { createLog } from "../../routes/http/log.ts";

const take = () => {
  const files: Deno.FsFile[] = [];
  try {
    while (true) files.push(Deno.openSync("deno.json"));
  } catch {
    console.log("taken");
  }
  setTimeout(() => {
    for (const file of files) file.close();
    console.log("given back");
  }, 2000);
};

const { addr } = await listen(({ url }) => {
  const takes = url.endsWith("/take");
  if (takes) setTimeout(take, 100);
  return new Response(takes ? "taking" : "hello");
}, { host: "127.0.0.1", port: 0, most: 1024, seconds: 60, log: createLog("info", (line) => console.error(line)) });
console.log(addr.port);
