/**
 * Prints, as a part of --allow-net's value, where the environment says that jobs are kept: the database of DATABASE_URL
 * and the storage of AWS_ENDPOINT_URL. `deno task` cannot know it otherwise.
 */
const { env } = Deno;

const database = URL.parse(env.get("DATABASE_URL") ?? "");
const endpoint = URL.parse(env.get("AWS_ENDPOINT_URL_S3") || env.get("AWS_ENDPOINT_URL") || "");
const region = env.get("AWS_REGION") || env.get("AWS_DEFAULT_REGION");

const hosts = [
  `${database?.hostname || "localhost"}:${database?.port || 5432}`,
  ...(endpoint ? [`${endpoint.hostname}:${endpoint.port || (endpoint.protocol === "https:" ? 443 : 80)}`] : []),
  ...(env.get("AWS_ACCESS_KEY_ID") && !endpoint ? [`*.s3.${region || "us-east-1"}.amazonaws.com`] : []),
];

console.log(hosts.join(","));
