import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { readClassifier, writeClassifier } from "../../../evaluation/quality/classifier.ts";
import { decodeNpz, encodeNpz } from "../../../formats/npz.ts";
import { missing, run, start, testCommandLine } from "../run_main.ts";
import { makeTemporaryFolder } from "../../model/temporary_folder.ts";
import { copyFolder } from "../../copy_folder.ts";
import { prepareColours } from "./colours.ts";

const MODEL = "tests/fixtures/tiny-model";
const SMALL = ["--widths", "4,8", "--features", "5", "--batch", "8", "--lr", "0.03", "--engine", "wasm"];

/** A classifier of red, green and blue, and the images that it was trained on. */
const trainColours = async (folder: string, ...more: string[]) => {
  const data = await prepareColours(folder, { each: 20 });
  const out = join(folder, "classifier");
  const ended = await run("classifier", "--data", data, "--test", data, "--out", out, ...SMALL, ...more);
  return { data, out, ended };
};

const shared = missing === "" ? makeTemporaryFolder() : "";
Deno.test.afterAll(() => {
  if (shared !== "") Deno.removeSync(shared, { recursive: true });
});
let trained: ReturnType<typeof trainColours> | null = null;

/** The classifier of one epoch, which several tests only read. */
const trainedColours = () => trained ??= trainColours(shared, "--epochs", "1");

testCommandLine(
  "classifier learns its classes, tells what came of each epoch, and is done when it is done",
  async (folder) => {
    const { data, out, ended: { code, stdout } } = await trainColours(folder, "--epochs", "3");
    assertEquals(code, 0);
    const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(events.filter(({ event }) => event === "epoch").map(({ epoch }) => epoch), [1, 2, 3]);
    assertEquals(events.at(-1).testAccuracy, 1);
    assertEquals([...Deno.readDirSync(out)].map(({ name }) => name).sort(), [
      "config.json",
      "model.safetensors",
      "training.json",
    ]);
    const again = await run("classifier", "--data", data, "--test", data, "--out", out, ...SMALL, "--epochs", "3");
    assertEquals([again.code, again.stdout.includes('"progress"')], [0, false]);
    const other = await run("classifier", "--data", data, "--test", data, "--out", out, ...SMALL, "--epochs", "4");
    assertEquals(other.code, 2);
    assertStringIncludes(other.stderr, "holds a classifier of another training");
  },
);

testCommandLine("classifier that was stopped goes on to the same weights", async (folder) => {
  if (Deno.build.os === "windows") return;
  const { data, out } = await trainColours(folder, "--epochs", "4");
  const args = [
    "classifier",
    "--data",
    data,
    "--test",
    data,
    "--out",
    join(folder, "broken"),
    ...SMALL,
    "--epochs",
    "4",
  ];
  const child = start(...args);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"epoch":1')) text += (await reader.read()).value ?? "";
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  await child.stderr.cancel();
  assertEquals((await child.status).code, 130);
  assertEquals((await run(...args)).code, 0);
  const weights = (of: string) => Deno.readFileSync(join(of, "model.safetensors"));
  assertEquals(weights(join(folder, "broken")), weights(out));
});

testCommandLine("classifier says in one line what does not fit, and exits 2", async (folder) => {
  const data = await prepareColours(folder);
  const refuses = async (message: string, ...args: string[]) => {
    const { code, stderr } = await run("classifier", "--out", join(folder, "out"), "--engine", "wasm", ...args);
    assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1]);
    assertStringIncludes(stderr, message);
  };
  await Promise.all([
    refuses(`--test must be given with --data ${data}, which has no test part of its own`, "--data", data),
    refuses("mnist-test must have the classes of", "--data", data, "--test", "mnist-test"),
    refuses(
      "--batch must be at most 9, as many as --data has, received 10",
      "--data",
      data,
      "--test",
      data,
      "--batch",
      "10",
    ),
    refuses("--widths must be a comma-separated list, each an integer in [1, 4096]", "--widths", "0"),
  ]);
});

testCommandLine(
  "evaluate measures a model's samples, tells of what and by what, and computes nothing twice",
  async (folder) => {
    const { data, out } = await trainedColours();
    const cache = join(folder, "cache");
    const args = ["evaluate", "--model", MODEL, "--data", data, "--engine", "wasm", "--features", out, "--cache", cache]
      .concat(
        "--steps",
        "2",
        "--subset-size",
        "15",
        "--out",
        join(folder, "out"),
        "--metric",
        "fid,kid,pr,is",
        "--json",
      );
    const first = await run(...args, "-n", "20");
    assertEquals(first.code, 0);
    const { fid, kid, pr, is, ...settings } = JSON.parse(first.stdout);
    assertEquals([settings.model, settings.seed], [MODEL, 0]);
    assertEquals([fid.samples.images, fid.samples.sampler, fid.samples.steps], [20, "ddpm", 2]);
    assertEquals([fid.reference.of, fid.reference.images, fid.resize, fid.features.count], [data, 60, "none", 5]);
    assert(fid.value > 0 && kid.value > 0 && is.value >= 1 && is.value <= 3);
    assert([pr.precision, pr.recall].every((share) => share >= 0 && share <= 1));
    assertEquals(pr.images, 20);

    // Twelve more: the first twenty are those of before, also where the last row was cut off.
    const kept = [...Deno.readDirSync(cache)].filter(({ name }) => name.endsWith(".f32")).map(({ name }) =>
      join(cache, name)
    );
    assertEquals(kept.map((path) => Deno.statSync(path).size).sort((a, b) => a - b), [20 * 5 * 4, 60 * 5 * 4]);
    const drawn = kept.find((path) => Deno.statSync(path).size === 20 * 5 * 4)!;
    const before = Deno.readFileSync(drawn);
    Deno.truncateSync(drawn, 19 * 5 * 4 + 7);
    const more = await run(...args, "-n", "32");
    assertEquals([more.code, Deno.readFileSync(drawn).slice(0, before.length)], [0, before]);
    const again = await run(...args, "-n", "20");
    assertEquals(JSON.parse(again.stdout), JSON.parse(first.stdout));
    assert(!again.stderr.includes('"features"'), "nothing was computed again");

    const statistics = [...Deno.readDirSync(cache)].find(({ name }) => name.endsWith("-60.npz"))!;
    const { mu, sigma } = decodeNpz(Deno.readFileSync(join(cache, statistics.name)));
    assertEquals([mu.shape, sigma.shape, sigma.dtype], [[5], [5, 5], "float64"]);

    // The statistics alone are reference enough.
    const others = new Map([[data, join(cache, statistics.name)], ["fid,kid,pr,is", "fid"]]);
    const by = args.filter((argument) => argument !== "--subset-size" && argument !== "15");
    const byStatistics = await run(...by.map((argument) => others.get(argument) ?? argument), "-n", "20");
    const { value, reference } = JSON.parse(byStatistics.stdout).fid;
    assertEquals([value, reference.images], [fid.value, null]);

    // As many features of another network are others.
    const other = join(folder, "other");
    const { config, weights } = await readClassifier(out);
    weights.get("stem.bias")!.data[0] += 1;
    await Deno.mkdir(other);
    await writeClassifier(other, { config, weights });
    const refused = await run(...by.map((argument) => argument === out ? other : others.get(argument) ?? argument));
    assertEquals(refused.code, 2);
    assertMatch(
      refused.stderr,
      /^error: --data must be statistics by other \([0-9a-f]{12}\), received those by another network \([0-9a-f]{12}\), .*npz\n$/,
    );
  },
);

testCommandLine(
  "evaluate shares out classes among samples as the data has them, and picks them in --samples",
  async (folder) => {
    const { data, out } = await trainedColours();
    const args = ["evaluate", "--model", MODEL, "--data", data, "--engine", "wasm", "--features", out, "--steps", "2"]
      .concat("--cache", join(folder, "cache"), "--out", join(folder, "out"), "--metric", "is,pr", "--json");
    const shared = await run(...args, "-n", "20", "--class-shares", "data");
    assertEquals(shared.code, 0);
    const { samples } = JSON.parse(shared.stdout).is;
    assertEquals(samples.classes, [20, 20, 20]);
    assertStringIncludes(samples.of, "classes as often as in the data");

    const chosen = await run(...args, "--samples", data, "--classes", "red,blue");
    const { pr } = JSON.parse(chosen.stdout);
    assertEquals([pr.samples.images, pr.reference.images, pr.precision, pr.recall], [40, 40, 1, 1]);

    const refused = await run(...args, "-n", "20", "--class-shares", "data", "--label", "red");
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.stderr, "class-shares must be equal with label, received data");
  },
);

testCommandLine(
  "evaluate measures images of a file, without a model: a set against itself is at distance 0",
  async (folder) => {
    const { data, out } = await trainedColours();
    const args = ["evaluate", "--samples", data, "--data", data, "--features", out, "--cache", join(folder, "cache")]
      .concat("--engine", "wasm", "--out", join(folder, "out"));
    const { code, stdout } = await run(...args, "--metric", "fid,pr", "--json");
    assertEquals(code, 0);
    const document = JSON.parse(stdout);
    assertAlmostEquals(document.fid.value, 0, 1e-6);
    assertEquals([document.model, document.pr.precision, document.pr.recall], [null, 1, 1]);
    const { stdout: text } = await run(...args, "--metric", "fid");
    assertStringIncludes(text, "Fréchet distance");
    assertStringIncludes(text, `60 images of 8×8×3: ${data}`);
    assertStringIncludes(text, "resize none");
  },
);

testCommandLine("evaluate of samples says in one line what does not fit, and exits 2", async (folder) => {
  const { data, out } = await trainedColours();
  const refuses = async (message: string, ...args: string[]) => {
    const options = [
      "--model",
      MODEL,
      "--out",
      join(folder, "out"),
      "--cache",
      join(folder, "cache"),
      "--engine",
      "wasm",
    ];
    const { code, stdout, stderr } = await run("evaluate", ...options, ...args);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, message);
  };
  const own = ["--data", data, "--features", out, "--metric"];
  await Promise.all([
    refuses("--n must be at least 6 images (a covariance of 5 features needs more", ...own, "fid", "-n", "5"),
    refuses(
      "--n must be at least 4 images (more than 3 neighbours), received 3",
      ...own,
      "pr",
      "-n",
      "3",
      "--neighbours",
      "3",
    ),
    refuses("--n must be at least 5 images (one a split), received 4", ...own, "is", "-n", "4", "--splits", "5"),
    refuses("--n must be at most 60, the images of", ...own, "kid", "--samples", data, "-n", "61"),
    refuses("--steps must be in [1, 100]", ...own, "fid", "--steps", "101"),
    refuses("classifier takes images of 8×8×3, received 32×32×1", ...own, "is", "--samples", "mnist-test"),
    refuses("digits-classifier takes images of 32×32×1, received 8×8×3", "--data", data, "--metric", "is"),
    refuses('--resize must be left out for a classifier, received "clean"', ...own, "fid", "--resize", "clean"),
    refuses(
      "--features must be the folder of a classifier or InceptionV3's .safetensors",
      "--features",
      "runs/none",
      "--metric",
      "fid",
    ),
    refuses("scripts/convert_inception.py converts", "--features", "runs/a.pth", "--metric", "fid"),
    refuses("--subsets must be left out with --metric fid (it belongs to kid)", ...own, "fid", "--subsets", "3"),
  ]);
});

testCommandLine("evaluate and classifier take what is there where nobody says how many, and say so", async (folder) => {
  const { data, out } = await trainedColours();
  const places = ["--engine", "wasm", "--cache", join(folder, "cache"), "--out", join(folder, "out"), "--json"];
  const args = ["evaluate", "--model", MODEL, "--data", data, "--features", out, "--steps", "2", ...places];
  const few = await run(...args, "--metric", "pr,is", "-n", "3");
  assertEquals(few.code, 0);
  const { pr, is } = JSON.parse(few.stdout);
  assertEquals([pr.neighbours, is.splits], [2, 3]);
  const notices = few.stderr.trim().split("\n").map((line) => JSON.parse(line)).filter(({ event }) =>
    event === "notice"
  );
  assertEquals(notices.map(({ message }) => message), [
    "--neighbours is 2, of so few images: its default is 3",
    "--splits is 3, of so few images: its default is 10",
  ]);
  const many = JSON.parse((await run(...args, "--metric", "pr,is", "-n", "20")).stdout);
  assertEquals([many.pr.neighbours, many.is.splits], [3, 10]);

  const small = [
    ...["--widths", "4,8", "--features", "5", "--epochs", "1", "--engine", "wasm"],
    "--data",
    data,
    "--test",
    data,
  ];
  const learned = await run("classifier", ...small, "--out", join(folder, "classifier"));
  assertEquals([learned.code, JSON.parse(learned.stdout.split("\n")[0]).batch], [0, 60]);
});

testCommandLine("evaluate and classifier: what is not finite is told in one line, before any work", async (folder) => {
  const { data, out } = await trainedColours();
  const refuses = async (message: string, ...args: string[]) => {
    const places = ["--out", join(folder, "out"), "--cache", join(folder, "cache"), "--engine", "wasm"];
    const { code, stderr } = await run("evaluate", "--samples", data, ...places, ...args);
    assertEquals([code, stderr], [2, `error: ${message}\n`]);
  };
  const statistics = async (name: string, size: number, change: (sigma: Float64Array) => void) => {
    const path = join(folder, name), sigma = new Float64Array(size * size);
    change(sigma);
    const mu = { dtype: "float64", shape: [size], data: new Float64Array(size) } as const;
    await Deno.writeFile(path, encodeNpz({ mu, sigma: { dtype: "float64", shape: [size, size], data: sigma } }));
    return path;
  };
  const spoilt = await statistics("nan.npz", 5, (sigma) => sigma.set([NaN, Infinity], 3));
  const others = await statistics("others.npz", 4, () => {});
  const fid = ["--metric", "fid", "--features", out, "--data"];
  await refuses(`cannot read ${spoilt}: sigma must be finite, received 2 of 25 values that are not`, ...fid, spoilt);
  await refuses(`--data must be statistics of 5 features, as classifier has, received 4 (${others})`, ...fid, others);

  const broken = join(folder, "broken");
  const { config, weights } = await readClassifier(out);
  weights.get("stem.bias")!.data[1] = NaN;
  await Deno.mkdir(broken);
  await writeClassifier(broken, { config, weights });
  await refuses(
    `Cannot read ${broken}/model.safetensors: tensor stem.bias: its values must be finite, received 1 of 4 that are not`,
    ...["--metric", "is", "--data", data, "--features", broken],
  );
  // Finite, and too large for what the network makes of them.
  weights.get("stem.bias")!.data.fill(3e38);
  await writeClassifier(broken, { config, weights });
  const { code, stderr } = await run(
    ...["evaluate", "--samples", data, "--data", data, "--features", broken, "--metric", "is", "--engine", "wasm"],
    ...["--out", join(folder, "out"), "--cache", join(folder, "cache")],
  );
  assertEquals(code, 2);
  assertStringIncludes(
    stderr,
    "--features must be finite, received others by broken for one of the images from 0 on of",
  );
});

testCommandLine("classifier goes on with its own images alone, wherever they lie", async (folder) => {
  const { data, out } = await trainedColours();
  const moved = join(folder, "moved"), own = join(folder, "classifier"), other = join(folder, "other");
  await copyFolder(data, moved);
  await copyFolder(out, own);
  const again = (of: string) => run("classifier", "--data", of, "--test", of, "--out", own, ...SMALL, "--epochs", "1");
  const same = await again(moved);
  assertEquals([same.code, same.stderr, same.stdout.includes('"progress"')], [0, "", false]);
  await Deno.mkdir(other);
  const { code, stderr } = await again(await prepareColours(other, { each: 4 }));
  assertEquals(code, 2);
  assertStringIncludes(
    stderr,
    `${own} holds a classifier of another training: of its --data, images were 60, now 12\n`,
  );
});
