/** More classes than any dataset of images has; a larger label is a mistake. */
const MOST_CLASSES = 100_000;

/**
 * Labels of a file as classes 0 … K − 1, with their numbers for names.
 *
 * @param name what to call the labels in an error
 * @throws {SyntaxError} if there are not `count`, or one is no integer in [0, 99999]
 */
export const numberedClasses = (
  values: ArrayLike<number | bigint>,
  count: number,
  name: string,
): { labels: Int32Array; classNames: string[] } => {
  if (values.length !== count) {
    throw new SyntaxError(`${name} must hold one label for each of ${count} images, received ${values.length}`);
  }
  const labels = Int32Array.from({ length: count }, (_, i) => {
    const label = Number(values[i]);
    if (Number.isInteger(label) && label >= 0 && label < MOST_CLASSES) return label;
    throw new SyntaxError(`${name} must hold classes 0 … ${MOST_CLASSES - 1}, received ${values[i]} for image ${i}`);
  });
  const classes = 1 + labels.reduce((most, label) => Math.max(most, label), 0);
  return { labels, classNames: Array.from({ length: classes }, (_, i) => String(i)) };
};
