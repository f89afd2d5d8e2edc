import type { z } from "@hono/zod-openapi";
import { createJobs, type Jobs } from "../jobs/jobs.ts";
import { openSampler } from "../serving/client.ts";
import type { ModelInfo } from "../serving/model_info.ts";
import type { StartOptions } from "../serving/protocol.ts";
import { createApp } from "./app.ts";

/** A server that listens, with its model warm. */
export interface Server {
  /** Where it listens, as `http://127.0.0.1:8000`. */
  readonly origin: string;
  readonly info: ModelInfo;
  /** Takes no more requests, gives up those under way, stops the jobs gracefully, ends the worker. */
  close(): Promise<void>;
}

/** An address in a URL: IPv6 in brackets. */
const originOf = ({ hostname, port }: Deno.NetAddr): string =>
  `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;

/**
 * Loads and warms a model, then listens.
 *
 * @param options.port 0 picks a free one
 * @param options.trainingOptions options of `train` that may come over HTTP
 * @throws {ModelError} (by name) if the model is missing or damaged
 * @throws {Deno.errors.AddrInUse} if another program has the port
 */
export const openServer = async (
  { host, port, trainingOptions, jobs = createJobs(), ...start }:
    & { host: string; port: number; trainingOptions: z.ZodObject; jobs?: Jobs }
    & StartOptions,
): Promise<Server> => {
  const sampler = await openSampler(start);
  const stopping = new AbortController();
  const app = createApp({ sampler, jobs, trainingOptions, stopping: stopping.signal });
  const listen = () => {
    try {
      return Deno.serve({ hostname: host, port, onListen: () => {} }, app.fetch);
    } catch (error) {
      sampler.close();
      throw error;
    }
  };
  const server = listen();
  return {
    origin: originOf(server.addr),
    info: sampler.info,
    close: async () => {
      stopping.abort();
      await Promise.all([server.shutdown(), jobs.close()]);
      sampler.close();
    },
  };
};
