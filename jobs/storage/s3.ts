import { AwsClient } from "aws4fetch";
import { StorageError } from "./storage.ts";

/** How objects of a bucket are reached. */
export interface S3Settings {
  /** Where keys are appended: `https://host/bucket/prefix/` or `https://bucket.host/prefix/`. */
  readonly base: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** The environment variables that are read, the usual ones. */
const S3_VARIABLES = [
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
] as const;

const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

/**
 * Resolves `s3://bucket/prefix` by the usual environment variables ({@linkcode S3_VARIABLES}). With an endpoint, the
 * bucket is the first part of the path, as servers other than Amazon's have it.
 *
 * @throws {RangeError} if the address names no bucket, or a variable is absent or no address
 */
export const s3Settings = (url: string, environment: (name: string) => string | undefined): S3Settings => {
  const [, bucket, path = ""] = ADDRESS.exec(url) ?? [];
  if (bucket === undefined) {
    throw new RangeError(`storage must be s3://bucket/prefix, received ${JSON.stringify(url)}`);
  }
  const read = (...names: typeof S3_VARIABLES[number][]) => names.map(environment).find((value) => value);
  const need = (name: typeof S3_VARIABLES[number]) => {
    const value = read(name);
    if (value === undefined) throw new RangeError(`${name} must be set for the storage ${url}`);
    return value;
  };
  const region = read("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = read("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    throw new RangeError(`AWS_ENDPOINT_URL must be an address of http or https, received ${JSON.stringify(endpoint)}`);
  }
  const root = endpoint === undefined
    ? `https://${bucket}.s3.${region}.amazonaws.com/`
    : `${endpoint.replace(/\/+$/, "")}/${bucket}/`;
  const prefix = path.split("/").filter((part) => part !== "").map((part) => encodeURIComponent(part) + "/").join("");
  return {
    base: root + prefix,
    region,
    accessKeyId: need("AWS_ACCESS_KEY_ID"),
    secretAccessKey: need("AWS_SECRET_ACCESS_KEY"),
    sessionToken: read("AWS_SESSION_TOKEN"),
  };
};

/** An object's bytes, and what the server calls this version of it. */
export interface S3Object {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** Objects by their keys. Every call is tried some times, and throws {@linkcode StorageError} when none succeeded. */
export interface S3Objects {
  /** `null` if there is none. */
  get(key: string): Promise<S3Object | null>;
  /**
   * Puts an object, the digest of its bytes with it, so that the server refuses what did not arrive as it was sent.
   *
   * @param onlyIf writes only over the version of this ETag, or with `null` where there is no object
   * @returns the new version's ETag; `null` if `onlyIf` does not hold
   */
  put(key: string, bytes: Uint8Array<ArrayBuffer>, onlyIf?: { etag: string | null }): Promise<string | null>;
  /** Removes an object, if it is there. */
  remove(key: string): Promise<void>;
}

const TRIES = 5;
const FIRST_PAUSE_MS = 200;

/** A request may take this long, and a second more for each of these bytes. */
const BASE_MS = 30_000, BYTES_A_SECOND = 1 << 20;
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

const hex = (bytes: ArrayBuffer) => new Uint8Array(bytes).toHex();

/** What the server says is wrong: the code and the message of its answer. */
const reasonOf = (text: string) =>
  ["Code", "Message"].map((name) => new RegExp(`<${name}>([^<]*)`).exec(text)?.[1]).filter(Boolean).join(": ");

/** Reads, writes and removes the objects under an address. */
export const openS3Objects = ({ base, ...credentials }: S3Settings): S3Objects => {
  const client = new AwsClient({ ...credentials, service: "s3", retries: 0 });

  const request = async (key: string, init: RequestInit & { size?: number } = {}): Promise<Response> => {
    const url = base + key.split("/").map(encodeURIComponent).join("/");
    const { size = 0, ...rest } = init, method = rest.method ?? "GET";
    let reason = "";
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) {
        await new Promise((resume) => setTimeout(resume, FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random() / 2)));
      }
      try {
        const signal = AbortSignal.timeout(BASE_MS + 1000 * size / BYTES_A_SECOND);
        const response = await client.fetch(url, { ...rest, method, signal });
        if (!RETRIED.has(response.status)) return response;
        reason = `${response.status} ${reasonOf(await response.text())}`;
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) throw error;
        reason = (error as Error).message;
      }
    }
    throw new StorageError(`Cannot ${method} ${url}, in ${TRIES} tries: ${reason.replace(/\s+/g, " ")}`);
  };

  const refuse = async (response: Response, method: string): Promise<never> => {
    const reason = reasonOf(await response.text());
    throw new StorageError(`Cannot ${method} ${response.url}: ${response.status} ${reason || response.statusText}`);
  };

  /** The body too can break off. */
  const get = async (key: string): Promise<S3Object | null> => {
    for (let attempt = 1;; attempt++) {
      const response = await request(key, { headers: { "cache-control": "no-store" }, size: 1 << 30 });
      if (response.status === 404) {
        await response.body?.cancel();
        return null;
      }
      if (!response.ok) await refuse(response, "GET");
      try {
        return { bytes: await response.bytes(), etag: response.headers.get("etag") ?? "" };
      } catch (cause) {
        if (attempt === TRIES) {
          throw new StorageError(`Cannot GET ${response.url}: ${(cause as Error).message}`, { cause });
        }
      }
    }
  };

  return {
    get,
    put: async (key, bytes, onlyIf) => {
      const headers: Record<string, string> = {
        "content-type": "application/octet-stream",
        "x-amz-content-sha256": hex(await crypto.subtle.digest("SHA-256", bytes)),
        ...(onlyIf && (onlyIf.etag === null ? { "if-none-match": "*" } : { "if-match": onlyIf.etag })),
      };
      const response = await request(key, { method: "PUT", body: bytes, headers, size: bytes.length });
      // 409: somebody else is putting it at this moment; 404: it has been removed.
      if (onlyIf && [404, 409, 412].includes(response.status)) {
        await response.body?.cancel();
        return null;
      }
      if (!response.ok) await refuse(response, "PUT");
      await response.body?.cancel();
      return response.headers.get("etag") ?? "";
    },
    remove: async (key) => {
      const response = await request(key, { method: "DELETE" });
      if (!response.ok && response.status !== 404) await refuse(response, "DELETE");
      await response.body?.cancel();
    },
  };
};
