import { quoteText } from "../error.ts";

/** A model on a hub: where, under which name, which state of it. */
export interface Repository {
  /** The hub's address without a slash at its end. */
  readonly endpoint: string;
  /** "owner/name", or "name" alone for the oldest. */
  readonly name: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

const PART = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$/;

const isPath = (text: string, mostParts: number): boolean => {
  const parts = text.split("/");
  return parts.length <= mostParts && parts.every((part) => PART.test(part) && !part.includes(".."));
};

const parseEndpoint = (endpoint: string): string => {
  const url = URL.parse(endpoint);
  const isWeb = url !== null && ["http:", "https:"].includes(url.protocol);
  if (!isWeb || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new RangeError(
      `endpoint must be an http or https address without name, query or fragment, received "${quoteText(endpoint)}"`,
    );
  }
  return url.href.replace(/\/+$/, "");
};

/**
 * Checks what a person typed to name a model on a hub.
 *
 * @throws {RangeError} if the endpoint is no address, or a name could lead anywhere but to a model
 */
export const parseRepository = (
  { endpoint, name, revision }: { endpoint: string; name: string; revision: string },
): Repository => {
  if (!isPath(name, 2)) {
    throw new RangeError(
      `repo must be OWNER/NAME of letters, digits, dots, dashes and underscores, received "${quoteText(name)}"`,
    );
  }
  if (!isPath(revision, 8)) {
    throw new RangeError(`revision must be a branch, a tag or a commit, received "${quoteText(revision)}"`);
  }
  return { endpoint: parseEndpoint(endpoint), name, revision };
};

/** Where the hub describes a repository: its commit, and its files with sizes and checksums. */
export const listingAddress = ({ endpoint, name, revision }: Repository): string =>
  `${endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;

/** Where the hub gives out a file. */
export const fileAddress = ({ endpoint, name, revision }: Repository, path: string): string =>
  `${endpoint}/${name}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
