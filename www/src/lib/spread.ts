/** Epochs, highest, lowest and mean of a value that each sub-model has had so far. */
export function spread(values: readonly { list: readonly (number | null)[]; ended: boolean }[]): [number[], (number | null)[], (number | null)[], (number | null)[]] {
  const longest = Math.max(2, ...values.map((v) => v.list.length));
  const xs = Array.from({ length: longest }, (_, i) => i + 1);
  const low: (number | null)[] = [], mean: (number | null)[] = [], high: (number | null)[] = [];
  const last: (number | null)[] = values.map(() => null);
  for (let e = 0; e < longest; e++) {
    let fresh = false;
    values.forEach(({ list, ended }, i) => {
      const value = list[e];
      // A finished sub-model keeps its last value, so that the mean does not jump when one stops.
      if (value !== null && value !== undefined && Number.isFinite(value)) [last[i], fresh] = [value, true];
      else if (e >= list.length && !ended) last[i] = null;
    });
    const now = last.filter((v) => v !== null);
    low.push(fresh ? Math.min(...now) : null);
    high.push(fresh ? Math.max(...now) : null);
    mean.push(fresh ? now.reduce((a, b) => a + b, 0) / now.length : null);
  }
  return [xs, high, low, mean];
}
