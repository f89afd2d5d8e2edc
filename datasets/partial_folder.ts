import { join } from "@std/path";

const PREFIX = ".partial-";
const LOCK = "lock";

/** The lock of those who move a folder to its place; it stays. */
const MOVE_LOCK = ".lock";

/** What has not been touched for so long, and is locked by nobody, was left by a process that was killed. */
const ABANDONED_MILLISECONDS = 60_000;

const ignoreMissing = (error: unknown): void => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
};

const sweep = async (folder: string): Promise<void> => {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(folder, name);
    try {
      const { mtime } = await Deno.stat(path);
      if (Date.now() - (mtime?.getTime() ?? 0) < ABANDONED_MILLISECONDS) continue;
      using lock = await Deno.open(join(path, LOCK), { write: true, create: true });
      if (await lock.tryLock(true)) await Deno.remove(path, { recursive: true });
    } catch (error) {
      // Another process was faster.
      ignoreMissing(error);
    }
  }
};

/**
 * Does work in a folder of its own below `parent`, which is removed when the work is done, however it ends. What killed
 * processes left there before is removed too.
 */
export const inPartialFolder = async <T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> => {
  await Deno.mkdir(parent, { recursive: true });
  await sweep(parent);
  const folder = join(parent, `${PREFIX}${crypto.randomUUID()}`);
  await Deno.mkdir(folder);
  try {
    using lock = await Deno.open(join(folder, LOCK), { write: true, createNew: true });
    await lock.lock(true);
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
  }
};

/**
 * Makes a folder elsewhere and moves it to its place when it is whole, so that nobody ever sees half of it. If `make`
 * fails, nothing is left.
 *
 * @param to where it goes; what is there is replaced, unless `isWhole` says that it may stay
 */
export const makeWhole = <T>(
  to: { readonly parent: string; readonly name: string },
  isWhole: (folder: string) => Promise<boolean>,
  make: (folder: string) => Promise<T>,
): Promise<T> =>
  inPartialFolder(to.parent, async (partial) => {
    const folder = join(partial, to.name);
    await Deno.mkdir(folder);
    const made = await make(folder);
    const target = join(to.parent, to.name);
    // One at a time: else one takes away what another has just put there while a third asks whether it is whole.
    using lock = await Deno.open(join(to.parent, MOVE_LOCK), { write: true, create: true });
    await lock.lock(true);
    if (await isWhole(target)) return made;
    await Deno.rename(target, join(partial, "replaced")).catch(ignoreMissing);
    await Deno.rename(folder, target);
    return made;
  });
