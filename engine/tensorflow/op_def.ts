/** What a graph must know of an operation before it can have one. */
export interface OpDef {
  /** For each input, in order, whether it takes a list of tensors. */
  readonly inputs: readonly { name: string; isList: boolean }[];
  /** Whether two calls with the same inputs may return different things: random numbers, variables. */
  readonly isStateful: boolean;
}

/** Fields of OpDef and ArgDef in op_def.proto. */
const INPUT_ARG = 2, IS_STATEFUL = 17;
const NAME = 1, NUMBER_ATTR = 5, TYPE_LIST_ATTR = 6;

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** The fields of a serialized protobuf message, of the two kinds that an OpDef has: varints and bytes. */
const fields = function* (message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    const isBytes = (tag & 7) === 2;
    yield { number: tag >> 3, value, bytes: isBytes ? message.subarray(at, at + value) : NONE };
    if (isBytes) at += value;
  }
};

const parseInput = (argument: Uint8Array): OpDef["inputs"][number] => {
  let name = "", isList = false;
  for (const { number, bytes } of fields(argument)) {
    if (number === NAME) name = new TextDecoder().decode(bytes);
    if ((number === NUMBER_ATTR || number === TYPE_LIST_ATTR) && bytes.length > 0) isList = true;
  }
  return { name, isList };
};

/** Reads a serialized `tensorflow.OpDef`. */
export const parseOpDef = (message: Uint8Array): OpDef => {
  const inputs: OpDef["inputs"][number][] = [];
  let isStateful = false;
  for (const { number, value, bytes } of fields(message)) {
    if (number === INPUT_ARG) inputs.push(parseInput(bytes));
    if (number === IS_STATEFUL) isStateful = value !== 0;
  }
  return { inputs, isStateful };
};

/**
 * Deals flat inputs out to an operation's arguments: one each, and what is left to the one that takes a list.
 *
 * @throws {RangeError} if they cannot be dealt out
 */
export const splitInputs = <T>(name: string, { inputs }: OpDef, flat: readonly T[]): (T | T[])[] => {
  const lists = inputs.filter(({ isList }) => isList).length;
  const listLength = flat.length - (inputs.length - lists);
  if (lists > 1 || listLength < 0 || (lists === 0 && listLength > 0)) {
    throw new RangeError(`Cannot compile ${name}: it takes ${inputs.length} inputs, received ${flat.length}`);
  }
  let at = 0;
  return inputs.map(({ isList }) => {
    if (!isList) return flat[at++];
    at += listLength;
    return flat.slice(at - listLength, at);
  });
};
