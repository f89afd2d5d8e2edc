import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { betaSchedule, createDiffusion, rescaleZeroTerminalSnr, SCHEDULES } from "../../core/mod.ts";
import { withServer } from "./with_server.ts";

Deno.test("GET /schedules: names every schedule, and the parameters that it reads", () =>
  withServer(async ({ origin }) => {
    const schedules = await (await fetch(`${origin}/schedules`)).json();
    assertEquals(schedules.map(({ name }: { name: string }) => name), [...SCHEDULES]);
    for (const { name, description, parameters } of schedules) {
      assert(description.length > 5);
      const plain = betaSchedule(name, 50);
      // What it says to be a parameter changes it, and nothing else does.
      for (const [field, value] of [["betaStart", 0.001], ["betaEnd", 0.03], ["maxBeta", 0.1]] as const) {
        const changed = betaSchedule(name, 50, { [field]: value }).some((beta, t) => beta !== plain[t]);
        assertEquals(field in parameters, changed, `${name} ${field}`);
        const response = await fetch(`${origin}/schedules/${name}?timesteps=50&${field}=${value}`);
        await response.body!.cancel();
        assertEquals(response.status, changed ? 200 : 422, `${name} ${field}`);
      }
    }
  }));

Deno.test("GET /schedules/{name}: its curves are core's", () =>
  withServer(async ({ origin }) => {
    for (const name of SCHEDULES) {
      for (const rescaled of [false, true]) {
        const response = await fetch(`${origin}/schedules/${name}?timesteps=20&rescaleZeroTerminalSnr=${rescaled}`);
        const curves = await response.json();
        assertEquals(response.status, 200, JSON.stringify(curves));
        const betas = betaSchedule(name, 20);
        const tables = createDiffusion(rescaled ? rescaleZeroTerminalSnr(betas) : betas);
        assertEquals(curves, {
          name,
          timesteps: 20,
          betas: [...tables.betas],
          alphasCumprod: [...tables.alphasCumprod],
          posteriorVariance: [...tables.posteriorVariance],
          logSnr: Array.from(tables.snr, (snr) => snr === 0 ? null : Math.log(snr)),
        });
      }
    }
  }));

Deno.test("GET /schedules/{name}: T is 1000 by default; what cannot be is refused", () =>
  withServer(async ({ origin }) => {
    const { betas } = await (await fetch(`${origin}/schedules/linear`)).json();
    assertEquals([betas.length, betas[0], betas[999]], [1000, 1e-4, 0.02]);
    const tooNoisy = "linear?timesteps=4303&betaEnd=0.467&rescaleZeroTerminalSnr=true";
    const impossible = await fetch(`${origin}/schedules/${tooNoisy}`);
    assertEquals(impossible.status, 422);
    assertStringIncludes((await impossible.json()).detail, "there is no such schedule");
    const cases = [
      ["linear?timesteps=0", "timesteps"],
      ["linear?betaStart=1", "betaStart"],
      ["linear?betaStart=1e-9", "betaStart"],
      ["cosine?betaStart=0.1", "betaStart"],
      ["linear?timesteps=1&rescaleZeroTerminalSnr=true", "timesteps"],
      ["linear?T=10", "T"],
      // Names are camelCase, and no others are taken.
      ["linear?beta_start=0.001", "beta_start"],
      ["linear?rescale_zero_terminal_snr=true", "rescale_zero_terminal_snr"],
    ];
    for (const [query, field] of cases) {
      const response = await fetch(`${origin}/schedules/${query}`);
      assertEquals([response.status, (await response.json()).errors[0].field], [422, field], query);
    }
  }));
