// Importing diffusers takes seconds, finding it does not.
const FIND =
  "import sys, importlib.util\nsys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))";

/** What stands in the way of asking Python for these modules, or "" for nothing. */
export const whyNoPython = async (...modules: string[]): Promise<string> => {
  const run = await Deno.permissions.query({ name: "run", command: "python3" });
  if (run.state !== "granted") return "needs --allow-run=python3";
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-c", FIND, ...modules],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? "" : `needs ${modules.join(" and ")} in python3`;
  } catch {
    return "needs python3";
  }
};

/** Runs Python code, which finds `input` on its standard input, and returns what it wrote to its standard output. */
export const python = async (
  code: string,
  { input = new Uint8Array(), args = [] }: { input?: Uint8Array<ArrayBuffer>; args?: string[] } = {},
): Promise<Uint8Array<ArrayBuffer>> => {
  const child = new Deno.Command("python3", {
    args: ["-c", code, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(input).then(() => writer.close());
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await written;
  return stdout as Uint8Array<ArrayBuffer>;
};

const SESSION = `
import contextlib, io, json, sys, traceback
names = {}
exec(sys.argv[1], names)
for line in sys.stdin:
    code, *args = json.loads(line)
    sys.argv = ["-c", *args]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, dict(names))
        answer = {"printed": printed.getvalue()}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
`;

/** A Python that stays, so that what takes seconds to import is imported once. */
export interface PythonSession extends AsyncDisposable {
  /** Runs code with the names of the start alone, those arguments in `sys.argv`; returns what it printed. */
  run(code: string, ...args: string[]): Promise<string>;
}

/** Starts a Python that runs `start`, whose names all later code has. */
export const openPython = (start: string): PythonSession => {
  const child = new Deno.Command("python3", {
    args: ["-c", SESSION, start],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return {
    run: async (code, ...args) => {
      await writer.write(new TextEncoder().encode(`${JSON.stringify([code, ...args])}\n`));
      let line = "";
      while (!line.endsWith("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error("python3 has ended");
        line += value;
      }
      const { printed, error } = JSON.parse(line);
      if (error !== undefined) throw new Error(error);
      return printed;
    },
    [Symbol.asyncDispose]: async () => {
      await writer.close();
      await reader.cancel();
      await child.status;
    },
  };
};
