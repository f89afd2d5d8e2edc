import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fromFileUrl } from "@std/path";
import { networkOf } from "./clients.ts";
import { DEADLINES, type Deadlines, exchange, type Handler, takeRest } from "./exchange.ts";
import type { Log } from "./log.ts";
import { problemBody } from "./problem.ts";

/** Connections that wait in the system to be taken, at most. */
const BACKLOG = 128;

/** Files that are left to all else: models, jobs, the database, pages, and a backlog that is taken at once. */
const RESERVE = 128 + BACKLOG;

/** Connections that there are beyond the most, so that a request that is one too many can be told so. */
const LOBBY = 16;

/** Requests that a connection may send ahead of their answers. */
const PIPELINED = 64;

/** Milliseconds between two looks at the connections. */
const LOOK = 1000;

/** Looks after which what happened to connections is told. */
const TOLD = 10;

/** Looks without a new connection after which the server tries one itself, and after which one that was not taken tells. */
const QUIET = 10, DEAF = 15;

/** How many files the process may open beside those that it has open, counted up to `most`. */
const countFreeFiles = (most: number): number => {
  const files: Deno.FsFile[] = [];
  const any = fromFileUrl(import.meta.url);
  try {
    while (files.length < most) files.push(Deno.openSync(any));
  } catch (error) {
    if ((error as { code?: string }).code !== "EMFILE") return most;
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
};

/** What a connection that is no exchange hears before it is closed. */
const lastWords = (status: 400 | 408 | 431, detail: string): string => {
  const body = problemBody({ status, detail });
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${body.title}`,
    "content-type: application/problem+json",
    `content-length: ${new TextEncoder().encode(text).length}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
};

/** Answers a request that is one too many. */
const refuse = (status: 429 | 503, detail: string): Handler => () =>
  new Response(JSON.stringify(problemBody({ status, detail })), {
    status,
    headers: { "content-type": "application/problem+json", "retry-after": "5" },
  });

const FULL = refuse(503, "the server has as many requests as it may");
const SHARED = refuse(429, "the requests from this address take half of the server's connections, as much as they may");

/** What listens for HTTP/1. */
export interface Listener {
  /** Where. */
  readonly addr: { readonly hostname: string; readonly port: number };
  /** Connections with a request under way, at most. */
  readonly most: number;
  /** Takes no more requests, and cuts off those that are not answered after `grace` milliseconds. */
  close(grace: number): Promise<void>;
}

/** Where to listen, and how. */
export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Connections with a request under way, at most; fewer where the limit of open files says so. */
  readonly most: number;
  /** Seconds that a request may take in all, its body included. */
  readonly seconds: number;
  readonly deadlines?: Deadlines;
  readonly log: Log;
}

const ERRORS: Readonly<Record<string, new (message: string) => Error>> = {
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  EACCES: Deno.errors.PermissionDenied,
};

/** An error of Node's as Deno would have it. */
const asDeno = (error: Error & { code?: string }): Error => {
  const kind = ERRORS[error.code ?? ""];
  return kind ? new kind(error.message) : error;
};

/** Connections, by the network that they come from; the first of each to come first. */
interface Crowd extends Iterable<Socket> {
  readonly size: number;
  add(socket: Socket): void;
  delete(socket: Socket): void;
  /** Those of the network of a connection. */
  ofNetwork(socket: Socket): ReadonlySet<Socket>;
  /** Those of the network that has most. */
  readonly most: ReadonlySet<Socket>;
}

const NOBODY: ReadonlySet<Socket> = new Set();

const nameOf = ({ remoteAddress = "" }: Socket): string => networkOf(remoteAddress);

const createCrowd = (): Crowd => {
  /** A connection that has ended does not tell its address any more. */
  const names = new Map<Socket, string>();
  const networks = new Map<string, Set<Socket>>();
  return {
    get size() {
      return names.size;
    },
    add: (socket) => {
      const name = nameOf(socket);
      names.set(socket, name);
      networks.getOrInsertComputed(name, () => new Set()).add(socket);
    },
    delete: (socket) => {
      const name = names.get(socket);
      if (name === undefined) return;
      names.delete(socket);
      const network = networks.get(name)!;
      network.delete(socket);
      if (network.size === 0) networks.delete(name);
    },
    ofNetwork: (socket) => networks.get(nameOf(socket)) ?? NOBODY,
    get most() {
      return networks.values().reduce((most, network) => network.size > most.size ? network : most, NOBODY);
    },
    [Symbol.iterator]: () => names.keys(),
  };
};

/**
 * Listens for HTTP/1 and lets a handler answer. There are only so many connections at a time. When one more comes, one is
 * closed that waits for its next request, or for the whole head of its first: of the network that has most of those, the
 * one that has waited longest; so nobody keeps others out by merely holding connections. A network's requests may take
 * half of the connections: one more of it is answered with 429, and where all are taken, one more with 503.
 *
 * `node:http`, and not `Deno.serve`, which gives up with `Too many open files` when it cannot take a connection, waits for
 * the head of a request for ever, and does not tell how many connections there are.
 *
 * @throws {Deno.errors.AddrInUse} if another program has the port
 * @throws {Deno.errors.AddrNotAvailable} if the host is not this machine's
 */
export const listen = async (
  handler: Handler,
  { host, port, most: wanted, seconds, deadlines = DEADLINES, log }: ListenOptions,
): Promise<Listener> => {
  const free = countFreeFiles(wanted + RESERVE);
  const most = Math.max(LOBBY, Math.min(wanted, free - RESERVE));
  if (most < wanted) {
    const reason = `of ${wanted} connections, the limit of open files leaves room for ${most}; ulimit -n raises it`;
    log.error("connections", { reason });
  }

  /** Connections that have no request under way. */
  const waiting = createCrowd();
  /** Connections that have one. */
  const asking = createCrowd();
  const busy = new Map<Socket, { readonly answers: Set<ServerResponse>; turn: Promise<void> }>();
  let isClosing = false;
  const happened = { madeRoom: 0, refused: 0, late: 0, malformed: 0 };

  const onRequest = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { socket } = incoming;
    const held = busy.get(socket);
    const refusal = held ? null : busy.size >= most ? FULL : asking.ofNetwork(socket).size >= most / 2 ? SHARED : null;
    if (isClosing || refusal) outgoing.shouldKeepAlive = false;
    if (refusal) {
      // It holds no place, and makes room like others that wait.
      happened.refused++;
      await exchange(incoming, outgoing, refusal, { address: authority(), deadlines, seconds });
      return await takeRest(incoming, deadlines);
    }
    waiting.delete(socket);
    asking.add(socket);
    const line = held ?? { answers: new Set(), turn: Promise.resolve() };
    busy.set(socket, line);
    line.answers.add(outgoing);
    if (line.answers.size > PIPELINED) return void socket.destroy();
    // Node reads the next request of a connection though nobody has taken the answer to this one.
    const before = line.answers.size > 1 ? line.turn : undefined;
    const takeTurn = async () => {
      if (before) await before;
      if (socket.destroyed) return;
      await exchange(incoming, outgoing, handler, { address: authority(), deadlines, seconds });
    };
    await (line.turn = takeTurn());
    line.answers.delete(outgoing);
    if (line.answers.size > 0) return;
    busy.delete(socket);
    asking.delete(socket);
    if (isClosing) return void socket.destroySoon();
    if (socket.destroyed) return;
    waiting.add(socket);
    await takeRest(incoming, deadlines);
  };

  const server = createServer({
    headersTimeout: deadlines.head * 1000,
    // What a body may take is told its reader before.
    requestTimeout: (seconds + deadlines.head + deadlines.rest) * 1000,
    keepAliveTimeout: deadlines.idle * 1000,
    connectionsCheckingInterval: LOOK,
    // The application says what it thinks of a host, and of none.
    requireHostHeader: false,
  }, onRequest);

  let taken = 0;
  server.on("connection", (socket: Socket) => {
    taken++;
    waiting.add(socket);
    socket.once("close", () => waiting.delete(socket));
    if (waiting.size + busy.size <= most + LOBBY) return;
    const [oldest] = waiting.most;
    waiting.delete(oldest);
    oldest.destroy();
    happened.madeRoom++;
  });

  server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
    const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const isAnswered = busy.get(socket)?.answers.values().some(({ headersSent }) => headersSent) ?? false;
    if (error.code === "ECONNRESET" || !socket.writable || isAnswered) return void socket.destroy();
    happened[isLate ? "late" : "malformed"]++;
    if (isLate) socket.write(lastWords(408, `the request did not come in ${deadlines.head} s`));
    else if (error.code === "HPE_HEADER_OVERFLOW") socket.write(lastWords(431, "the head of the request is too long"));
    else socket.write(lastWords(400, "what came is no HTTP request"));
    socket.destroySoon();
  });

  const address = () => server.address() as AddressInfo;
  const authority = () => `${host.includes(":") ? `[${host}]` : host}:${bound.port}`;
  const begin = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port: at, backlog: BACKLOG }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  await begin(port).catch((error) => {
    throw asDeno(error);
  });
  server.on("error", (error) => log.error("connections", { reason: error.message }));
  const bound = { hostname: address().address, port: address().port };

  /** Says what happened since it was last said, if anything did. */
  const tell = () => {
    const { madeRoom, refused, late, malformed } = happened;
    if (madeRoom + refused + late + malformed === 0) return;
    const say = madeRoom + refused > 0 ? log.error : log.info;
    say("connections", { open: waiting.size + busy.size, most, ...happened });
    Object.assign(happened, { madeRoom: 0, refused: 0, late: 0, malformed: 0 });
  };

  let looks = 0;
  let [seen, quiet] = [0, 0];
  let own: Promise<Deno.TcpConn | null> | undefined;
  const hangUp = () => {
    own?.then((connection) => connection?.close());
    own = undefined;
  };

  const again = () => void begin(bound.port).catch((error) => log.error("connections", { reason: error.message }));

  /**
   * Finds out whether connections are still taken, if none came for a while. Where there was no file for one, Node's server
   * takes no other and does not say so: it has to listen anew.
   */
  const listenAgain = () => {
    if (!server.listening) return again();
    if (taken !== seen) {
      [seen, quiet] = [taken, 0];
      return hangUp();
    }
    quiet++;
    // Where it may not, or cannot, nothing is known.
    if (quiet === QUIET) own = Deno.connect({ ...bound }).catch(() => (quiet = -Infinity, null));
    if (quiet < DEAF) return;
    quiet = 0;
    hangUp();
    log.error("connections", { reason: "none was taken any more, as after too many open files: listening anew" });
    server.close();
    again();
  };

  const timer = setInterval(() => {
    if (++looks % TOLD === 0) tell();
    listenAgain();
  }, LOOK);

  return {
    addr: bound,
    most,
    close: async (grace) => {
      isClosing = true;
      clearInterval(timer);
      hangUp();
      tell();
      const over = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of waiting) socket.destroy();
      for (const { answers } of busy.values()) for (const outgoing of answers) outgoing.shouldKeepAlive = false;
      const impatient = setTimeout(() => {
        for (const socket of busy.keys()) socket.destroy();
      }, grace);
      await over;
      clearTimeout(impatient);
    },
  };
};
