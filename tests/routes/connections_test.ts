import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { DEADLINES, type Handler } from "../../routes/http/exchange.ts";
import { listen, type Listener, type ListenOptions } from "../../routes/http/listen.ts";
import { createLog } from "../../routes/http/log.ts";
import { isGranted } from "../../engine/permissions.ts";
import { DENO_RUN } from "../deno_run.ts";
import { asJson, until, withServer } from "./with_server.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

/** Opens a connection and sends what it is given, which may be nothing. */
const open = async ({ hostname, port }: Listener["addr"], text = ""): Promise<Deno.TcpConn> => {
  const connection = await Deno.connect({ hostname, port });
  await connection.write(new TextEncoder().encode(text));
  return connection;
};

/** What the other side sends until it closes the connection, or breaks it. */
const received = async (connection: Deno.TcpConn): Promise<string> => {
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(2 ** 16);
  let text = "";
  while (true) {
    const count = await connection.read(bytes).catch(() => null);
    if (count === null) break;
    text += decoder.decode(bytes.subarray(0, count), { stream: true });
  }
  connection.close();
  return text;
};

/** Opens a connection from an address of this machine, sends a request, and reads what comes until it is closed. */
const openFrom = (localAddress: string, { hostname: host, port }: Listener["addr"], request: string) => {
  const socket = connect({ host, port, localAddress }, () => socket.write(request));
  const text = Promise.withResolvers<string>();
  const chunks: Uint8Array[] = [];
  socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => text.resolve(Buffer.concat(chunks).toString()));
  return { text: text.promise };
};

const withListener = async (
  test: (listener: Listener, lines: Record<string, unknown>[]) => Promise<void>,
  handler: Handler,
  options: Partial<ListenOptions> = {},
): Promise<void> => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", (line) => lines.push(JSON.parse(line)));
  const listener = await listen(handler, { host: "127.0.0.1", port: 0, most: 64, seconds: 60, log, ...options });
  try {
    await test(listener, lines);
  } finally {
    await listener.close(1000);
  }
};

const hello: Handler = () => new Response("hello");

Deno.test("connections: one that sends no request, half a head, or nothing after an answer is closed in time", () =>
  withListener(
    async ({ addr }) => {
      const request = "GET / HTTP/1.1\r\nHost: x\r\n";
      const [silent, half, idle] = await Promise.all(
        ["", request, `${request}\r\n`].map(async (text) => await received(await open(addr, text))),
      );
      assert(/^HTTP\/1.1 408 Request Timeout\r\n.*"status":408/s.test(half), half);
      assert(silent === "" || silent.startsWith("HTTP/1.1 408"), silent);
      assert(/^HTTP\/1.1 200 OK\r\n.*hello$/s.test(idle), idle);
    },
    hello,
    { deadlines: { ...DEADLINES, head: 1, idle: 1 } },
  ));

Deno.test("connections: bodies that stop coming are answered 408, and their client's places are free again", () =>
  withServer(async ({ origin }) => {
    const address = new URL(origin);
    const addr = { hostname: address.hostname, port: Number(address.port) };
    const head = ["POST /generate HTTP/1.1", `Host: ${address.host}`, "Content-Type: application/json"];
    const text = [...head, "Content-Length: 100", "", "{"].join("\r\n");
    const answers = await Promise.all([1, 2, 3].map(async () => await received(await open(addr, text))));
    for (const answer of answers) assert(/^HTTP\/1.1 (408 .*connection: close|429 )/is.test(answer), answer);
    assert(answers.some((answer) => /"detail":"the body comes too slowly: 1 bytes/.test(answer)), answers.join("\n"));
    const response = await fetch(`${origin}/generate`, asJson({ steps: 1 }));
    assertEquals(response.status, 200);
    await response.body!.cancel();
  }, { limits: { concurrent: 2 }, deadlines: { ...DEADLINES, body: 1, rest: 1 } }));

Deno.test("connections: a body that comes steadily may take longer than one that stops", () =>
  withListener(
    async ({ addr }) => {
      const connection = await open(
        addr,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4000\r\n\r\n",
      );
      for (let part = 0; part < 20; part++) {
        await new Promise((resume) => setTimeout(resume, 100));
        await connection.write(new Uint8Array(200).fill(65));
      }
      const answer = await received(connection);
      assert(answer.endsWith("4000"), answer);
    },
    async (request) => new Response(String((await request.bytes()).length)),
    { deadlines: { ...DEADLINES, body: 1, bodyRate: 1000 } },
  ));

Deno.test("connections: an answer that nobody takes is cut off, whole or streamed, and its maker told", async () => {
  const ends: string[] = [];
  const large = 64 * 2 ** 20;
  const handler: Handler = ({ url }, { completed }) => {
    completed.then(() => ends.push("sent"), () => ends.push("cut off"));
    if (url.endsWith("/whole")) return new Response(new Uint8Array(large));
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(2 ** 16)),
      cancel: () => void ends.push("canceled"),
    });
    return new Response(body, { headers: { "x-accel-buffering": "no" } });
  };
  await withListener(
    async ({ addr }) => {
      const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const connections = await Promise.all(["/whole", "/stream"].map((path) => open(addr, request(path))));
      await until(() => ends.toSorted().join(), (all) => all === "canceled,cut off,cut off");
      for (const connection of connections) connection.close();
      // One that takes it slowly gets it all.
      const slow = await fetch(`http://127.0.0.1:${addr.port}/whole`);
      let count = 0;
      for await (const part of slow.body!) {
        if (count === 0) await new Promise((resume) => setTimeout(resume, 500));
        count += part.length;
      }
      assertEquals(count, large);
    },
    handler,
    { deadlines: { ...DEADLINES, take: 1 } },
  );
});

Deno.test({
  name:
    "connections: beyond the most, the one that has waited longest makes room; a request too many is answered 429 or 503",
  // Elsewhere a machine has one loopback address.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const gate = Promise.withResolvers<void>();
    const handler: Handler = async ({ url }) => {
      if (url.endsWith("/held")) await gate.promise;
      return new Response("hello");
    };
    await withListener(
      async ({ addr }) => {
        const origin = `http://127.0.0.1:${addr.port}`;
        const idle = await Promise.all(Array.from({ length: 100 }, () => open(addr)));
        assertEquals(await (await fetch(origin)).text(), "hello");
        for (const connection of idle) connection.close();
        const hold = (localAddress: string) =>
          Array.from(
            { length: 8 },
            () => openFrom(localAddress, addr, "GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
          );
        const ask = (localAddress: string) =>
          openFrom(localAddress, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").text;
        const held = hold("127.0.0.1");
        const refused = await until(() => ask("127.0.0.1"), (text) => text.startsWith("HTTP/1.1 429"));
        assert(/from this address take half/.test(refused), refused);
        assert((await ask("127.0.0.2")).endsWith("hello"));
        held.push(...hold("127.0.0.2"));
        const full = await until(() => ask("127.0.0.3"), (text) => text.startsWith("HTTP/1.1 503"));
        assert(/the server has as many requests as it may/.test(full), full);
        gate.resolve();
        for (const { text } of held) assert((await text).endsWith("hello"));
        assertEquals(await (await fetch(origin)).text(), "hello");
      },
      handler,
      { most: 16 },
    );
  },
});

Deno.test("connections: requests sent ahead of their answers are handled one after another, and only so many", async () => {
  let [underWay, most, handled] = [0, 0, 0];
  const handler: Handler = async ({ url }) => {
    most = Math.max(most, ++underWay);
    await new Promise((resume) => setTimeout(resume, 1));
    underWay--;
    handled++;
    return new Response(new URL(url).pathname);
  };
  await withListener(async ({ addr }) => {
    const requests = (count: number) =>
      Array.from(
        { length: count },
        (_, i) => `GET /${i} HTTP/1.1\r\nHost: x\r\n${i === count - 1 ? "Connection: close\r\n" : ""}\r\n`,
      );
    const text = await received(await open(addr, requests(50).join("")));
    assertEquals([...text.matchAll(/\r\n\r\n\/(\d+)/g)].map(([, i]) => Number(i)), [...Array(50).keys()]);
    assertEquals([most, handled], [1, 50]);
    await received(await open(addr, requests(500).join("")));
    assertEquals(most, 1);
    assert(handled < 150, String(handled));
  }, handler);
});

Deno.test({
  name: "connections: a process that runs out of files goes on to answer once there are some, and says so",
  ignore: Deno.build.os !== "linux" || !isGranted({ name: "run", command: "prlimit" }),
  fn: async () => {
    const program = fromFileUrl(new URL("./out_of_files.ts", import.meta.url));
    const child = new Deno.Command("prlimit", {
      args: ["--nofile=400", Deno.execPath(), ...DENO_RUN, "--allow-read=.", "--allow-net=127.0.0.1", program],
      cwd: root,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const logged = new Response(child.stderr).text();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const said = async () => (await output.read()).value?.trim();
    try {
      const port = Number(await said());
      const addr = { hostname: "127.0.0.1", port };
      const flood = await Promise.all(
        Array.from({ length: 300 }, () => open(addr, "GET / HTTP/1.1\r\n").catch(() => null)),
      );
      assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
      for (const connection of flood) connection?.close();

      // It takes the last files, and a connection for which there is none; then it gives them back.
      const taking = await fetch(`http://127.0.0.1:${port}/take`);
      assertEquals([await taking.text(), await said()], ["taking", "taken"]);
      const lost = await Promise.all(
        Array.from({ length: 100 }, () => open(addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
      );
      assertEquals(await said(), "given back");
      // Not by fetch, which would take a connection that it has.
      const answer = () =>
        open(addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").then(received).catch(() => "");
      await until(answer, (text) => text.endsWith("hello"), { seconds: 60 });
      for (const connection of lost) connection.close();
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await output.cancel();
    }
    const reasons = (await logged).trim().split("\n").map((line) => JSON.parse(line).reason);
    assert(/^of 1024 connections, the limit of open files leaves room for \d+; ulimit -n raises it$/.test(reasons[0]));
    assert(reasons.some((reason) => /none was taken any more/.test(reason)), reasons.join("\n"));
  },
});
