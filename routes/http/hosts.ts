import { HTTPException } from "hono/http-exception";
import { NOWHERE } from "./exchange.ts";

/** Names that lead to this machine from wherever they are asked for, so that nobody can point them elsewhere (RFC 6761). */
const LOOPBACK_NAMES = ["localhost", "*.localhost"];

/** A host as a request names it: a name, IDNs as punycode, or an address, and a port. */
const HOST = /^(?:(?:[a-z\d_-]{1,63}\.)*[a-z\d_-]{1,63}\.?|\[[\da-f:.]+\])(?::\d*)?$/i;

const LONGEST_NAME = 253;

/** The name or address that a request's host names, as URLs write it; null if it is no host. */
const hostnameOf = (host: string): string | null => {
  const url = HOST.test(host) ? URL.parse(`http://${host}`) : null;
  const name = url?.hostname.replace(/\.$/, "") ?? "";
  return ["", NOWHERE].includes(name) || name.length > LONGEST_NAME ? null : name;
};

/** Whether a host's name, as URLs write it, is an address: IPv6 has brackets, and no name ends in a number. */
const isAddress = (hostname: string): boolean => hostname.startsWith("[") || /^[\d.]+$/.test(hostname);

/**
 * Reads a name that a server goes by: `images.example.org`, `*.example.org` (all below it, not itself) or `*` (all).
 *
 * @returns it as requests name it, in lower case and as punycode; null if it is none
 */
export const parseHostName = (text: string): string | null => {
  if (text === "*") return text;
  const [, below, name] = /^(\*\.)?([\p{L}\p{M}\p{N}._-]+)$/u.exec(text) ?? [];
  const hostname = name === undefined ? null : hostnameOf(URL.parse(`http://${name}`)?.host ?? "");
  return hostname === null ? null : `${below ?? ""}${hostname}`;
};

const goesBy = (hostname: string, name: string): boolean =>
  name === "*" || name === hostname || (name.startsWith("*.") && hostname.endsWith(name.slice(1)));

const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** What a request names as its host: in its header, if it has one, as all browsers do, and in its target. */
const namedHosts = ({ url, headers }: Request): { text: string; hostname: string | null }[] => {
  const header = headers.get("host");
  const target = URL.parse(url);
  const isPlain = target !== null && /^https?:$/.test(target.protocol) && target.username + target.password === "";
  return [
    ...(header === null ? [] : [{ text: header, hostname: hostnameOf(header) }]),
    { text: url, hostname: isPlain ? hostnameOf(target.host) : null },
  ];
};

/**
 * Why a request is not for this server: a page on a name that leads here reads and sends what it likes, as a page of this
 * server does, since browsers go by the name alone. So a name has to be one that the server goes by. An address is always
 * one: a page that was loaded from it came from here.
 *
 * @param names that it goes by beside those of loopback, of {@linkcode parseHostName}
 * @returns 400 if it names no host, 421 if one that is not this server's, else null
 */
export const refuseHost = (request: Request, names: readonly string[]): HTTPException | null => {
  const known = [...LOOPBACK_NAMES, ...names];
  for (const { text, hostname } of namedHosts(request)) {
    if (hostname === null) {
      const message = `the host must be a name or an address, and a port if any, received ${shown(text)}`;
      return new HTTPException(400, { message });
    }
    if (isAddress(hostname) || known.some((name) => goesBy(hostname, name))) continue;
    const message = `this server does not go by the name ${shown(hostname)}; --allow-host has it go by one`;
    return new HTTPException(421, { message });
  }
  return null;
};
