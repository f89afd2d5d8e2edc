/** Bytes as "999 B", "1.50 kB" or "142 MB", by decimal units. */
export const amount = (bytes: number): string => {
  let [value, power] = [bytes, 0];
  while (value >= 999.5 && power < 5) [value, power] = [value / 1000, power + 1];
  const digits = power === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
};
