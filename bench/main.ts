/**
 * Benchmarks: `deno task bench NAME` runs one measurement, which prints what it measured and names its machine's
 * engine. They are no tests: a person runs them, and `README.md` has what came of it.
 *
 * Each is `bench/NAME.ts`, with its parts in a folder beside it. Read `network.ts` first, then `json_process.ts`, by
 * which peers in other languages and libraries are measured as processes of their own.
 *
 * @module
 */
const BENCHES: Record<string, () => Promise<unknown>> = {
  network: () => import("./network.ts"),
  coldstart: () => import("./coldstart.ts"),
  training: () => import("./training.ts"),
  "same-recipe": () => import("./same_recipe.ts"),
  xla: () => import("./xla.ts"),
  normals: () => import("./normals.ts"),
  scheduling: () => import("./scheduling.ts"),
  kill: () => import("./kill.ts"),
  chaos: () => import("./chaos.ts"),
  load: () => import("./load.ts"),
  serving: () => import("./serving.ts"),
  page: () => import("./page.ts"),
  "onnx-export": () => import("./onnx_export.ts"),
  attack: () => import("./attack.ts"),
  "health-latency": () => import("./health_latency.ts"),
};

const [name] = Deno.args;
const bench = Object.hasOwn(BENCHES, name ?? "") ? BENCHES[name] : undefined;
if (!bench) {
  console.error(
    `error: name must be one of ${Object.keys(BENCHES).join(", ")}, received ${JSON.stringify(name ?? "")}`,
  );
  Deno.exit(2);
}
await bench();
