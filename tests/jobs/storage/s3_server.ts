import { python, whyNoPython } from "../../model/python.ts";

/** What stands in the way of an S3 server on this machine, or "" for nothing. */
export const whyNoS3 = await whyNoPython("moto.server", "flask");

/** A bucket on a server of its own (moto), which forgets all when it is stopped. */
export interface S3Server extends AsyncDisposable {
  /** The variables that lead there. */
  readonly variables: Readonly<Record<string, string>>;
  /** All keys of the bucket, in order. */
  keys(): Promise<string[]>;
  /** Replaces an object behind the program's back. */
  overwrite(key: string, text: string): Promise<void>;
}

const SERVER = `
import sys
from werkzeug.serving import make_server
from moto.server import DomainDispatcherApplication, create_backend_app
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()`;

/** Starts a server with the bucket `bucket`. */
export const startS3 = async (): Promise<S3Server> => {
  const child = new Deno.Command("python3", { args: ["-c", SERVER], stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const endpoint = `http://127.0.0.1:${value!.trim()}`;
  const url = `${endpoint}/bucket`;
  const authorization =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=, Signature=";
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, headers: { authorization } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.text();
  };
  await ask("", { method: "PUT" });
  return {
    variables: { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "secret" },
    keys: async () => {
      const text = await ask("?list-type=2");
      return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key).sort();
    },
    overwrite: async (key, body) => void await ask(`/${key}`, { method: "PUT", body }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
};

/** boto3's answer to what objects hold, the reference client's. */
export const readWithBoto = async ({ variables }: S3Server, key: string): Promise<string> => {
  const code = `import sys, boto3
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test",
                  aws_secret_access_key="secret")
sys.stdout.buffer.write(s3.get_object(Bucket="bucket", Key=sys.argv[2])["Body"].read())`;
  return new TextDecoder().decode(await python(code, { args: [variables.AWS_ENDPOINT_URL, key] }));
};
