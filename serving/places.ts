import { QueueFullError } from "./serving.ts";

/** Rows that an image counts as at least: it takes memory for as long as it is there, however few its steps are. */
export const LEAST_ROWS = 250;

/** The longest time that is estimated, in seconds. */
const LONGEST = 3600;

/** Milliseconds after which nobody is expected any more who was told to come again. */
const GRACE = 10_000;

/** Refused requests that are remembered. */
const MOST_EXPECTED = 10_000;

/** Seconds that a row is taken to cost before the first call. */
const FIRST_GUESS = 0.005;

/** The weight that a call keeps, one call later, in what a row is taken to cost. */
const DECAY = 0.95;

/** A request that wants to be let in. */
export interface Applicant {
  /** Who asks. */
  readonly client: string;
  readonly images: number;
  /** Rows of network calls that it takes. */
  readonly work: number;
  /** Milliseconds after which it is given up. @default never */
  readonly deadline?: number;
}

/** What a request that was let in holds of the queue. */
export interface Place {
  /** Rows of network calls that are still to be done. */
  left: number;
  /** Gives it back. */
  free(): void;
}

/** Who may wait for a model: work is counted in the rows that the network is to evaluate. */
export interface Places {
  /** Rows of all places together, and the most of one request. */
  readonly limit: number;
  readonly most: number;
  /** Rows that are still to be done. */
  readonly left: number;
  /** Clients that have a place. */
  readonly clients: number;
  /** @throws {QueueFullError} if its client may not have as much now */
  admit(applicant: Applicant): Place;
  /** Takes note of a network call of so many rows, and the seconds of its step. */
  record(rows: number, seconds: number): void;
  /** Takes note that nothing is done for a while. */
  pause(): void;
}

/** What a request holds, or would: `places` rows of the queue, and `left` rows to do; until `ends`. */
interface Claim {
  readonly client: string;
  readonly left: number;
  readonly places: number;
  readonly ends: number;
}

/** Sums what claims say, client by client. */
const sumByClient = (claims: Iterable<Claim>, of: (claim: Claim) => number): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const claim of claims) sums.set(claim.client, (sums.get(claim.client) ?? 0) + of(claim));
  return sums;
};

/** What each client holds. */
const holdingsOf = (claims: Iterable<Claim>): Map<string, number> => sumByClient(claims, ({ places }) => places);

/** How much each gets where so much is shared equally among all, and nobody gets more than it wants. */
const equalShare = (wanted: readonly number[], amount: number): number => {
  let left = amount;
  for (const [i, want] of wanted.toSorted((a, b) => a - b).entries()) {
    const share = left / (wanted.length - i);
    if (want >= share) return share;
    left -= want;
  }
  return Infinity;
};

/** What each client holds once so many rows are done, which they share equally, and those claims have ended that do by then. */
const holdingsAfter = (claims: readonly Claim[], { rows, at }: { rows: number; at: number }): Map<string, number> => {
  const work = sumByClient(claims, ({ left }) => left);
  const share = equalShare([...work.values()], rows);
  const holdings = holdingsOf(claims.filter(({ client, ends }) => ends > at && work.get(client)! > share));
  for (const [client, places] of holdings) holdings.set(client, places * (1 - share / work.get(client)!));
  return holdings;
};

/**
 * What a client may hold: where k clients hold something, itself among them, one part in k + 1 of what the others leave
 * free. So the first may have a half, and whatever k others do, one that comes then may have 1 / ((k + 1)(k + 2)) of all.
 */
const shareOf = (client: string, holdings: ReadonlyMap<string, number>, limit: number): number => {
  let free = limit;
  let clients = 1;
  for (const [other, places] of holdings) {
    if (other === client) continue;
    free -= places;
    clients++;
  }
  return free / (clients + 1);
};

/**
 * Starts with nobody in.
 *
 * @param limit rows of all places together
 * @param options.now a clock of milliseconds
 */
export const createPlaces = (
  limit: number,
  { now = () => performance.now() }: { now?: () => number } = {},
): Places => {
  const claims = new Set<Claim>();
  /** Requests that were told to come again, the first to come first. */
  let expected: (Claim & { readonly due: number })[] = [];
  const spent = { rows: 1, seconds: FIRST_GUESS };
  /** When the last call ended; null where there was nothing to do after it. */
  let lastCall: number | null = null;

  const allows = ({ client }: Applicant, places: number, holdings: ReadonlyMap<string, number>) =>
    !((holdings.get(client) ?? 0) + places > shareOf(client, holdings, limit));

  /** Seconds after which there is room, going by the calls so far, if the client's others come again that were told to. */
  const secondsUntilRoom = (applicant: Applicant, places: number): number => {
    const there = [...claims, ...expected.filter(({ client }) => client === applicant.client)];
    const isAllowedAfter = (seconds: number) => {
      const rows = seconds * spent.rows / spent.seconds;
      return allows(applicant, places, holdingsAfter(there, { rows, at: now() + seconds * 1000 }));
    };
    let [low, high] = [0, LONGEST];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (isAllowedAfter(middle)) high = middle;
      else low = middle;
    }
    return high;
  };

  const refuse = (applicant: Applicant, places: number, holdings: ReadonlyMap<string, number>): never => {
    const { client, work } = applicant;
    expected = expected.filter(({ due }) => due + GRACE > now());
    const retryAfter = secondsUntilRoom(applicant, places);
    if (retryAfter < LONGEST && expected.length < MOST_EXPECTED) {
      expected.push({ client, left: work, places, ends: Infinity, due: now() + retryAfter * 1000 });
      expected.sort((a, b) => a.due - b.due);
    }
    const held = Math.ceil(holdings.get(client) ?? 0);
    const share = Math.max(0, Math.floor(shareOf(client, holdings, limit)));
    const others = holdings.size - (holdings.has(client) ? 1 : 0);
    throw new QueueFullError(
      `this client has ${held} rows of work under way and may have ${share}, beside ${others} other clients; ` +
        `${places} more were asked for`,
      { retryAfter },
    );
  };

  return {
    limit,
    most: Math.floor(limit / 2),
    get left() {
      return claims.values().reduce((sum, { left }) => sum + left, 0);
    },
    get clients() {
      return new Set(claims.values().map(({ client }) => client)).size;
    },
    admit: (applicant) => {
      const { client, images, work, deadline = Infinity } = applicant;
      const least = images * LEAST_ROWS;
      const holdings = holdingsOf(claims);
      const wanted = Math.max(work, least);
      if (!allows(applicant, wanted, holdings)) refuse(applicant, wanted, holdings);
      const first = expected.findIndex((other) => other.client === client);
      if (first >= 0) expected.splice(first, 1);
      const place = {
        client,
        left: work,
        get places() {
          return Math.max(place.left, least);
        },
        ends: now() + deadline,
        free: () => {
          claims.delete(place);
          if (claims.size === 0) lastCall = null;
        },
      };
      claims.add(place);
      return place;
    },
    record: (rows, seconds) => {
      // From one call to the next, turns of other models included, unless there was nothing to do.
      const elapsed = lastCall === null ? seconds : (now() - lastCall) / 1000;
      lastCall = claims.size === 0 ? null : now();
      spent.rows = DECAY * spent.rows + rows;
      spent.seconds = DECAY * spent.seconds + elapsed;
    },
    pause: () => {
      lastCall = null;
    },
  };
};
