import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { estimate, forwardPaths, gaussianCase, integrands, logNormal, modelDensity, termsAt } from "./gaussian_case.ts";

const COUNT = 20_000;
const LINES = [17, 18, 19, 20, 21, 22] as const;

/** Of each line of appendix A its integrand on every path. */
const evaluate = (options: Parameters<typeof gaussianCase>[0]) => {
  const model = gaussianCase(options);
  const path = forwardPaths(model, { count: COUNT, seed: 20 });
  const lines = LINES.map(() => new Float64Array(COUNT));
  for (let i = 0; i < COUNT; i++) {
    const values = integrands(model, path.map((x) => x[i]));
    LINES.forEach((line, k) => lines[k][i] = values[line]);
  }
  return { model, path, lines: Object.fromEntries(LINES.map((line, k) => [line, lines[k]])) };
};

/** A network that is right, and one that is wrong. */
for (const share of [1, 0.7]) {
  const { model, path, lines } = evaluate({ share });

  Deno.test(`eq. 17 to 21 are the same number on every single path, for ${share} of the true ε`, () => {
    for (const line of [18, 19, 20, 21]) {
      for (let i = 0; i < COUNT; i++) {
        assertAlmostEquals(lines[line][i], lines[17][i], 1e-9 * Math.max(1, Math.abs(lines[17][i])), `eq. ${line}`);
      }
    }
  });

  Deno.test(`eq. 22, of divergences, is eq. 21 in expectation within 4 standard errors, for ${share} of the true ε`, () => {
    const difference = estimate(lines[22].map((value, i) => value - lines[21][i]));
    assertLess(Math.abs(difference.mean), 4 * difference.error);
    assert(difference.error < 0.02, `the error bar ${difference.error} tells something`);
  });

  Deno.test(`each divergence of eq. 22 is its ratio of eq. 21 in expectation and varies less, for ${share} of the true ε`, () => {
    for (let t = 2; t <= model.diffusion.timesteps; t++) {
      const terms = Array.from({ length: COUNT }, (_, i) => termsAt(model, path.map((x) => x[i]), t));
      const difference = estimate(terms.map(({ ratio, divergence }) => ratio - divergence));
      assertLess(Math.abs(difference.mean), 4 * difference.error, `t = ${t}`);
      const [ratio, divergence] = ["ratio", "divergence"] as const;
      const deviationOf = (key: typeof ratio | typeof divergence) => estimate(terms.map((term) => term[key])).deviation;
      assertLess(deviationOf(divergence), 0.9 * deviationOf(ratio), `t = ${t}`);
    }
  });

  Deno.test(`the bound lies above −log p(x_0), for ${share} of the true ε`, () => {
    const { mean, variance } = modelDensity(model);
    const gap = estimate(lines[21].map((value, i) => value + logNormal(path[0][i], mean, variance)));
    assert(gap.mean > 10 * gap.error, `${gap.mean} ± ${gap.error} nats`);
  });
}

Deno.test("of the ideal network the ratios of a path make up for each other, so that eq. 21 as a whole varies less", () => {
  const { lines } = evaluate({ share: 1 });
  assertLess(estimate(lines[21]).deviation, 0.7 * estimate(lines[22]).deviation);
});

Deno.test("docs/ddpm.md tells the numbers of this case as they are", () => {
  const cases = [{ share: 1, told: [0.790, 0.780, 0.736, 0.054] }, { share: 0.7, told: [1.103, 1.089, 0.933, 0.170] }];
  for (const { share, told } of cases) {
    const { model, path, lines } = evaluate({ share });
    const { mean, variance } = modelDensity(model);
    const surprise = estimate(Float64Array.from(path[0], (x) => -logNormal(x, mean, variance))).mean;
    const [ratios, divergences] = [estimate(lines[21]).mean, estimate(lines[22]).mean];
    [ratios, divergences, surprise, ratios - surprise].forEach((value, i) =>
      assertAlmostEquals(value, told[i], 5.1e-4)
    );
  }
});

Deno.test("docs/ddpm.md tells the lines of the first three paths as they are", async () => {
  const { lines } = evaluate({ share: 1 });
  const page = await Deno.readTextFile(new URL("../../docs/ddpm.md", import.meta.url));
  const rows = [...page.matchAll(/^\| eq\. (\d\d) +\|[^|]+\| (\S+) +\| (\S+) +\| (\S+) +\|$/gm)];
  assertEquals(rows.map(([, line]) => Number(line)), [...LINES]);
  for (const [, line, ...told] of rows) {
    told.forEach((value, i) => assertEquals(value.replace("−", "-"), lines[Number(line)][i].toFixed(3), `eq. ${line}`));
  }
});

Deno.test("a worse network has a higher bound", () => {
  const [right, wrong] = [1, 0.7].map((share) => estimate(evaluate({ share }).lines[22]));
  assert(wrong.mean - right.mean > 4 * Math.hypot(wrong.error, right.error));
});

Deno.test("the bound of the ideal network closes in on the entropy of the data as T grows", () => {
  // The steps of each T destroy the signal alike: Σ β is about the same.
  const entropy = 0.5 * Math.log(2 * Math.PI * Math.E * 0.5 ** 2);
  const gaps = [10, 20].map((timesteps) => {
    const { lines } = evaluate({ timesteps });
    return estimate(lines[22]).mean - entropy;
  });
  assert(gaps[0] > gaps[1] && gaps[1] > 0, String(gaps));
});

Deno.test("a divergence at t = 1 would be infinite: q(x_0 | x_1, x_0) has no variance, so the sum starts at t > 1", () => {
  assertEquals(gaussianCase().diffusion.posteriorVariance[0], 0);
});
