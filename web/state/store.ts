import { useEffect, useState } from "preact/hooks";

/** A value that components follow. */
export interface Store<T> {
  readonly value: T;
  set(value: T): void;
  subscribe(onChange: () => void): () => void;
}

/** Makes a store of a first value. */
export const createStore = <T>(first: T): Store<T> => {
  let value = first;
  const readers = new Set<() => void>();
  return {
    get value() {
      return value;
    },
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const reader of [...readers]) reader();
    },
    subscribe: (onChange) => {
      readers.add(onChange);
      return () => readers.delete(onChange);
    },
  };
};

/** The store's value, as a hook: the component is drawn again when it changes. */
export const useStore = <T>(store: Store<T>): T => {
  const [, again] = useState(0);
  const [seen] = useState({ value: store.value });
  seen.value = store.value;
  useEffect(() => {
    const check = () => {
      if (!Object.is(seen.value, store.value)) again((n) => n + 1);
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return store.value;
};
