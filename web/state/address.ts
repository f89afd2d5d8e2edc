import { useCallback } from "preact/hooks";
import { createStore, useStore } from "./store.ts";

/** The tabs by name, the first is where the page opens. */
export const TABS = ["generate", "try", "forward", "interpolate", "inpaint", "train", "paper"] as const;
export type Tab = typeof TABS[number];

/** Where the page stands: `#/generate?seed=7`. All that a link is to bring back is in it. */
interface Address {
  readonly tab: Tab;
  readonly query: Readonly<Record<string, string>>;
}

const readAddress = (): Address => {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const tab = TABS.find((name) => name === path) ?? TABS[0];
  return { tab, query: Object.fromEntries(new URLSearchParams(search)) };
};

const writeAddress = ({ tab, query }: Address): string => {
  const search = new URLSearchParams(query).toString();
  return `#/${tab}${search === "" ? "" : `?${search}`}`;
};

const address = createStore<Address>(readAddress());
addEventListener("popstate", () => address.set(readAddress()));
addEventListener("hashchange", () => address.set(readAddress()));

/** What each tab had when it was left, so that it comes back. */
const lastQueries = new Map<Tab, Address["query"]>();

/** The tab that is shown. */
export const useTab = (): Tab => useStore(address).tab;

/** Where a tab is. */
export const hrefOf = (tab: Tab, query: Address["query"] = lastQueries.get(tab) ?? {}): string =>
  writeAddress({ tab, query });

/** Goes to a tab, as a link does. */
export const goTo = (tab: Tab, query?: Address["query"]): void => {
  const to: Address = { tab, query: query ?? lastQueries.get(tab) ?? {} };
  if (writeAddress(to) !== writeAddress(address.value)) history.pushState(null, "", writeAddress(to));
  address.set(to);
};

/**
 * What a tab keeps in the address: texts by name, what is left open by its default.
 *
 * @returns the values, and what changes some of them; undefined takes a value back to its default
 */
export const useQuery = <Q extends Readonly<Record<string, string>>>(
  tab: Tab,
  defaults: Q,
): [Q, (changes: Partial<Record<keyof Q, string | undefined>>) => void] => {
  const { tab: shown, query } = useStore(address);
  const own = shown === tab ? query : lastQueries.get(tab) ?? {};
  const change = useCallback((changes: Partial<Record<keyof Q, string | undefined>>) => {
    const current = address.value.tab === tab ? address.value.query : lastQueries.get(tab) ?? {};
    const merged: Record<string, string | undefined> = { ...current, ...changes };
    const next = Object.fromEntries(
      Object.entries(merged).filter(([name, value]) => value !== undefined && value !== defaults[name]),
    ) as Record<string, string>;
    lastQueries.set(tab, next);
    if (address.value.tab !== tab) return;
    history.replaceState(null, "", writeAddress({ tab, query: next }));
    address.set({ tab, query: next });
  }, [tab]);
  lastQueries.set(tab, own);
  return [{ ...defaults, ...own }, change];
};
