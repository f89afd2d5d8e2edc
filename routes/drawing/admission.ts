import type { Context } from "hono";
import type { Codec, CodecRunner } from "../codec/codec.ts";
import { clientOf, type Clients } from "../http/clients.ts";
import { beginLifetime, type Lifetime } from "../http/lifetime.ts";
import type { Limits } from "../http/limits.ts";

/** A request for images that has been let in, until it is disposed. */
export interface Admission extends Disposable {
  /** Who asks. */
  readonly client: string;
  readonly lifetime: Lifetime;
  /** They work for this request, as long as it lives. */
  readonly encoder: CodecRunner;
  readonly decoder: CodecRunner;
}

/** What a request is let in by. */
export interface AdmissionDependencies {
  readonly limits: Limits;
  readonly encoder: Codec;
  readonly decoder: Codec;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}

/**
 * Lets a request in, before anything of its body is read: it takes one of its client's places, and its time begins.
 *
 * @param places where it takes one
 * @throws {TooManyRequestsError} if the client has as many requests under way as it may
 * @throws {StoppingError} if the server is stopping
 * @throws {DeadlineError} if none of its time is left
 */
export const admit = (
  c: Context,
  places: Clients,
  { limits, encoder, decoder, stopping }: AdmissionDependencies,
): Admission => {
  using taken = new DisposableStack();
  const client = clientOf(c);
  const lifetime = taken.use(beginLifetime(c, { seconds: limits.seconds, stopping }));
  taken.use(places.take(client));
  const asker = { client, signal: lifetime.signal };
  const held = taken.move();
  return {
    client,
    lifetime,
    encoder: encoder.for(asker),
    decoder: decoder.for(asker),
    [Symbol.dispose]: () => held.dispose(),
  };
};
