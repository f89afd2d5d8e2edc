import { useMemo, useState } from "preact/hooks";
import type { ScheduleName } from "../../core/mod.ts";
import { Chart } from "../parts/chart.tsx";
import { RadioGroup } from "../parts/fields.tsx";
import { allSchedules, type CurveName, CURVES, ScheduleLegend, scheduleLines } from "../parts/schedules.tsx";

const T = 1000;
const X = Float64Array.from({ length: T }, (_, i) => i + 1);

/** All schedules beside each other. */
export const SchedulesFigure = () => {
  const [shown, show] = useState<ScheduleName>("cosine");
  const [curve, setCurve] = useState<CurveName>("alphas");
  const schedules = useMemo(() => allSchedules(T), []);
  const { label, range } = CURVES[curve];
  const lines = useMemo(() => scheduleLines(schedules, curve, shown), [shown, curve]);
  return (
    <>
      <div class="chart-head">
        <RadioGroup
          label="Curve"
          value={curve}
          options={Object.entries(CURVES).map(([name, { text }]) => [name as CurveName, text] as const)}
          onChange={setCurve}
        />
      </div>
      <Chart
        label={`${label}, by all schedules; ${shown} stands out`}
        xLabel="t"
        x={X}
        lines={lines}
        range={range}
        height={240}
      />
      <ScheduleLegend value={shown} onChange={show} />
    </>
  );
};
