/** Labels of an axis's ticks. */

/** As many digits as tell the ticks apart, and no more: .69312 and .69314, but 10 and 20; 12.5K from ten thousand on. */
export function tickLabels(ticks: readonly number[]): string[] {
  const most = Math.max(0, ...ticks.map(Math.abs));
  const [unit, suffix] = most >= 1e6 ? [1e6, "M"] : most >= 1e4 ? [1e3, "K"] : [1, ""];
  const step = Math.min(Infinity, ...ticks.slice(1).map((t, i) => Math.abs(t - ticks[i]!)));
  const gap = (Number.isFinite(step) && step > 0 ? step : most || 1) / unit;
  let digits = 0;
  // Rounded to this many digits, is any tick moved by a part of the step that could be seen?
  const off = (t: number) => Math.abs(t / unit - Number((t / unit).toFixed(digits))) > 0.01 * gap;
  while (digits < 10 && ticks.some(off)) digits++;
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return ticks.map((t) => format.format(t / unit).replace("-", "−") + (t === 0 ? "" : suffix));
}
