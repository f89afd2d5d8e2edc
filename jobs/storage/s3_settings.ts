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
export const S3_VARIABLES = [
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
