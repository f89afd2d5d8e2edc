/** What a page and the Worker that draws for it say to each other. */

/** A model that the Worker is to draw with. */
export interface ModelAddress {
  readonly name: string;
  /** URL of the list of its files: each with its path in the model's folder, and its URL beside the list. */
  readonly files: string;
}

/** A file in that list. */
export interface ModelFile {
  readonly path: string;
  readonly href: string;
  readonly bytes: number;
}

/** The page's first message. */
export interface OpenMessage {
  readonly models: readonly ModelAddress[];
  /** Sent with whatever is fetched. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The Worker's answer to it: it is ready, or why it is not. */
export interface OpenedMessage {
  readonly failure: string | null;
}

/** A request, which comes with a port that its answer goes to; any message on that port gives it up. */
export interface AskMessage {
  /** With the query, from the root of the API. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** An answer as it comes: its head, then chunks of its body, then its end. */
export type AnswerMessage =
  | { readonly status: number; readonly headers: readonly (readonly [name: string, value: string])[] }
  | { readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly end: true; readonly failure: string | null };
