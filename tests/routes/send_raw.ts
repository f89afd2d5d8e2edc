/** Sends bytes as they are, as no client would; gives the answer's status, its headers and what follows them. */
export const sendRaw = async (
  origin: string,
  request: string | Uint8Array<ArrayBuffer>,
): Promise<{ status: number; headers: Headers; body: string }> => {
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const writer = connection.writable.getWriter();
  await writer.write(typeof request === "string" ? new TextEncoder().encode(request) : request);
  const answer = await new Response(connection.readable).text();
  const [head, body = ""] = answer.split(/\r\n\r\n(.*)/s);
  const [first, ...lines] = head.split("\r\n");
  const headers = new Headers(lines.map((line): [string, string] => [line.split(":")[0], line.split(/: ?(.*)/)[1]]));
  return { status: Number(first.split(" ")[1]), headers, body };
};

/** A request with a host; `more` are further headers, each with its end. */
export const requestOf = (host: string, { method = "GET", path = "/health", more = "" } = {}): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`;
