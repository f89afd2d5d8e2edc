import { createHash } from "node:crypto";

/** The commit that the local hub says "main" is at. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const { state } = await Deno.permissions.query({ name: "net", host: "127.0.0.1" });

/** What stands in the way of a local server, or "" for nothing. */
export const reasonNotToServe = state === "granted" ? "" : "needs --allow-net=127.0.0.1";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** How the local hub behaves; each can be changed while it runs. */
export interface Behaviour {
  /** The files that it has, by path. */
  files: Record<string, Uint8Array<ArrayBuffer>>;
  /** Lists large files by this checksum in the place of the true one. */
  checksum?: string;
  /** Breaks the connection after so many bytes of a large file, so many times. */
  breaks?: { after: number; times: number };
  /** Falls silent after so many bytes of a large file. */
  silentAfter?: number;
  /** Answers ranges with the whole file. */
  ignoresRanges?: boolean;
  /** Answers ranges from so many bytes further on. */
  shiftsRanges?: number;
  /** Takes this token, and answers nothing without it. */
  token?: string;
  /** Answers everything so. */
  refuses?: { status: number; code?: string };
  /** Sends large files by way of this address. */
  redirects?: string;
  /** Answers the listing with this text. */
  listing?: string;
}

/** What was asked. */
export interface Asked {
  path: string;
  range: string | null;
  authorization: string | null;
}

const LARGE = /\.safetensors$/;

const describe = (files: Behaviour["files"], checksum?: string) => ({
  id: "me/mine",
  sha: COMMIT,
  private: false,
  siblings: Object.entries(files).map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: "0".repeat(40),
    ...(LARGE.test(rfilename)
      ? { lfs: { sha256: checksum ?? sha256(bytes), size: bytes.length, pointerSize: 130 } }
      : {}),
  })),
});

/** Bytes that come in pieces, and perhaps break off or stop coming. */
const stream = (bytes: Uint8Array<ArrayBuffer>, end: "whole" | "break" | "silence") => {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (at < bytes.length) return controller.enqueue(bytes.subarray(at, at += 1024));
      if (end === "whole") return controller.close();
      // What was sent goes out before the connection is cut.
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (end === "break") controller.error(new Error("cut"));
    },
  }, { highWaterMark: 0 });
};

/** Serves a model on 127.0.0.1 by a hub's paths, as me/mine. */
export const serveHub = (behaviour: Behaviour) => {
  const asked: Asked[] = [];
  const answer = (request: Request): Response => {
    const { pathname } = new URL(request.url);
    const { headers } = request;
    const [range, authorization] = [headers.get("range"), headers.get("authorization")];
    asked.push({ path: pathname, range, authorization });
    const { files, refuses, token } = behaviour;
    if (refuses) {
      const code: Record<string, string> = refuses.code ? { "x-error-code": refuses.code } : {};
      return new Response("no", { status: refuses.status, headers: code });
    }
    if (token && authorization !== `Bearer ${token}`) return new Response("no", { status: 401 });
    if (pathname === "/api/models/me/mine/revision/main") {
      return new Response(behaviour.listing ?? JSON.stringify(describe(files, behaviour.checksum)));
    }
    const path = /^\/me\/mine\/resolve\/([^/]+)\/(.*)$/.exec(pathname);
    const bytes = files[path?.[2] ?? ""];
    if (path?.[1] !== COMMIT || !bytes) {
      return new Response("none", { status: 404, headers: { "x-error-code": "EntryNotFound" } });
    }
    if (!LARGE.test(pathname)) return new Response(bytes);
    if (behaviour.redirects) return Response.redirect(behaviour.redirects + pathname, 302);

    const first = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const start = first > 0 && !behaviour.ignoresRanges ? first + (behaviour.shiftsRanges ?? 0) : 0;
    if (start >= bytes.length) return new Response(null, { status: 416 });
    const { breaks, silentAfter } = behaviour;
    const cut = breaks && breaks.times-- > 0 ? breaks.after : silentAfter ?? Infinity;
    const end = cut === silentAfter ? "silence" : cut < bytes.length - start ? "break" : "whole";
    return new Response(stream(bytes.subarray(start, start + cut), end), {
      status: start > 0 ? 206 : 200,
      headers: {
        "content-length": `${bytes.length - start}`,
        ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
      },
    });
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    answer,
  );
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
};
