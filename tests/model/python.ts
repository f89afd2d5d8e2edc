/** What stands in the way of asking Python for these modules, or "" for nothing. */
export const whyNoPython = async (...modules: string[]): Promise<string> => {
  const run = await Deno.permissions.query({ name: "run", command: "python3" });
  if (run.state !== "granted") return "needs --allow-run=python3";
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-c", `import ${modules.join(", ")}`],
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
