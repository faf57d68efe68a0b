/** Numbers and times in words a person reads at a glance. */
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n: number): string => whole.format(n);

/** "1 user", "2 users". */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** Seconds with a unit that suits their size. */
export function seconds(s: number | null | undefined): string {
  if (s === null || s === undefined || !Number.isFinite(s)) return "–";
  if (s < 0.0005) return "0 ms";
  if (s < 0.01) return `${(s * 1000).toFixed(1)} ms`;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(2)} s`;
  if (s < 90) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** A metric between 0 and 1: ".423". */
export const metric = (x: number | null | undefined, digits = 3): string =>
  x === null || x === undefined || !Number.isFinite(x) ? "–" : x.toFixed(digits).replace(/^(-?)0\./, "$1.");

/** A difference of metrics, with its sign: "+.004", "−.012". */
export const signed = (x: number, digits = 3): string => `${x < 0 ? "−" : "+"}${metric(Math.abs(x), digits)}`;

export const percent = (x: number, digits = 0): string => `${(100 * x).toFixed(digits)}%`;

export const times = (x: number): string => `${x >= 10 ? Math.round(x) : x.toFixed(1)}×`;

export const compact = (x: number): string =>
  Math.abs(x) >= 10000 ? new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(x)
    : Math.abs(x) >= 100 || Number.isInteger(x) ? whole.format(x) : x.toPrecision(3);

export const bytes = (n: number): string =>
  n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(1)} MB`;

/** "a, b and c". */
export function listed(words: readonly (string | number)[], most = 6): string {
  const shown = words.slice(0, most).map(String);
  const rest = words.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${count(rest)} more`;
  return shown.length < 2 ? (shown[0] ?? "") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** The first eight hex digits: enough to compare by eye. */
export const short = (digest: string | null | undefined): string => (digest ? digest.slice(0, 8) : "");

/** The library's message as a sentence: capital, full stop, quotation marks for what it quotes. */
export function sentence(message: string): string {
  const quoted = message.trim().replace(/`([^`]*)`/g, "“$1”");
  return quoted.charAt(0).toUpperCase() + quoted.slice(1) + (/[.!?]$/.test(quoted) ? "" : ".");
}
