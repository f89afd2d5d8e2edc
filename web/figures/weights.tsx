import { useMemo, useState } from "preact/hooks";
import {
  betaSchedule,
  createDiffusion,
  lossWeights,
  type ScheduleName,
  SCHEDULES,
  WEIGHTINGS,
} from "../../core/mod.ts";
import { Chart } from "../parts/chart.tsx";
import { RadioGroup, Select } from "../parts/fields.tsx";

const T = 1000;
const X = Float64Array.from({ length: T }, (_, i) => i + 1);
const COLORS = ["--series-1", "--series-2", "--series-3", "--series-4"];

/** The weight that each loss gives to each timestep's error of ε. */
export const WeightsFigure = () => {
  const [shown, show] = useState<typeof WEIGHTINGS[number]>("vlb");
  const [schedule, setSchedule] = useState<ScheduleName>("linear");
  const lines = useMemo(() => {
    const diffusion = createDiffusion(betaSchedule(schedule, T));
    return [...WEIGHTINGS].sort((a, b) => Number(a === shown) - Number(b === shown)).map((name) => ({
      name,
      values: lossWeights(diffusion, name),
      isMain: name === shown,
      color: COLORS[WEIGHTINGS.indexOf(name)],
      labelAt: "end" as const,
    }));
  }, [shown, schedule]);
  return (
    <>
      <div class="chart-head">
        <RadioGroup
          label="Weights"
          value={shown}
          options={WEIGHTINGS.map((name) => [name, name] as const)}
          onChange={show}
        />
        <Select
          label="Schedule"
          value={schedule}
          options={SCHEDULES.filter((name) => name !== "jsd")}
          onChange={(name) => setSchedule(name as ScheduleName)}
        />
      </div>
      <Chart
        label={`Weight of the error at each timestep, logarithmic; ${shown} stands out`}
        xLabel="t"
        x={X}
        lines={lines}
        isLog
        height={240}
      />
    </>
  );
};
