import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { openCpu } from "../../engine/cpu.ts";
import { compile } from "../../engine/mod.ts";
import { assertWithin, columnOf } from "./assert_within.ts";
import { onCompiling } from "./on_compiling.ts";
import { type Operation, OPERATIONS } from "./operations.ts";
import { randomValues } from "./random_values.ts";
import { relativeError } from "./relative_error.ts";
import { withoutLeaks } from "./without_leaks.ts";

const run = ({ shapes }: Operation, compute: Operation["compute"]) =>
  tf.tidy(() => {
    const out = compute(...shapes.map((shape, i) => tf.tensor(randomValues(shape, i + 1), shape)));
    return { shape: out.shape, values: out.dataSync() as Float32Array };
  });

for (const [name, operation] of Object.entries(OPERATIONS)) {
  onCompiling(
    `${name} is that of the cpu backend to 1e-5, compiled or not, and leaks nothing`,
    async ({ name: engine, use, held }) => {
      await openCpu();
      const expected = run(operation, operation.compute);
      await use();

      const before = held();
      const eager = withoutLeaks(() => run(operation, operation.compute));
      assertEquals(eager.shape, expected.shape);
      const suite = "operations";
      assertWithin(relativeError(eager.values, expected.values), 1e-5, { suite, quantity: "from cpu's", engine });

      const compiled = compile(operation.compute);
      for (const call of ["traced", "repeated"]) {
        const actual = withoutLeaks(() => run(operation, compiled));
        assertEquals(actual.shape, expected.shape);
        const difference = relativeError(actual.values, eager.values);
        const kind = { suite, quantity: "from those run one by one", engine: columnOf(engine) };
        assertWithin(difference, 1e-6, kind, call);
      }
      compiled.dispose();
      assertEquals(held(), before);
    },
  );
}
