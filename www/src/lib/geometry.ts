/** Finding points on the map: by nearness, by direction, inside a lasso. */

/** Points sorted into square cells, so that the nearest one is found without looking at all. */
export class PointGrid {
  readonly #cell: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #heads: Int32Array;
  readonly #next: Int32Array;

  constructor(private readonly xs: Float32Array, private readonly ys: Float32Array, width: number, height: number, cell = 16) {
    this.#cell = cell;
    this.#columns = Math.max(1, Math.ceil(width / cell));
    this.#rows = Math.max(1, Math.ceil(height / cell));
    this.#heads = new Int32Array(this.#columns * this.#rows).fill(-1);
    this.#next = new Int32Array(xs.length).fill(-1);
    for (let i = xs.length - 1; i >= 0; i--) {
      const c = this.#cellOf(xs[i]!, ys[i]!);
      this.#next[i] = this.#heads[c]!;
      this.#heads[c] = i;
    }
  }

  #cellOf(x: number, y: number): number {
    const cx = Math.min(this.#columns - 1, Math.max(0, Math.floor(x / this.#cell)));
    const cy = Math.min(this.#rows - 1, Math.max(0, Math.floor(y / this.#cell)));
    return cy * this.#columns + cx;
  }

  /** The nearest point within `reach` pixels that `allowed` accepts, or -1. */
  nearest(x: number, y: number, reach: number, allowed: (i: number) => boolean = () => true): number {
    let best = -1;
    let bestDistance = reach * reach;
    const span = Math.ceil(reach / this.#cell);
    const cx = Math.floor(x / this.#cell);
    const cy = Math.floor(y / this.#cell);
    for (let gy = Math.max(0, cy - span); gy <= Math.min(this.#rows - 1, cy + span); gy++) {
      for (let gx = Math.max(0, cx - span); gx <= Math.min(this.#columns - 1, cx + span); gx++) {
        for (let i = this.#heads[gy * this.#columns + gx]!; i >= 0; i = this.#next[i]!) {
          const d = (this.xs[i]! - x) ** 2 + (this.ys[i]! - y) ** 2;
          if (d < bestDistance && allowed(i)) {
            bestDistance = d;
            best = i;
          }
        }
      }
    }
    return best;
  }
}

/** The point that an arrow key leads to: near, and mostly in that direction. */
export function towards(
  xs: Float32Array, ys: Float32Array, from: number, dx: number, dy: number, allowed: (i: number) => boolean,
): number {
  let best = -1;
  let bestCost = Infinity;
  for (let i = 0; i < xs.length; i++) {
    if (i === from || !allowed(i)) continue;
    const x = xs[i]! - xs[from]!;
    const y = ys[i]! - ys[from]!;
    const along = x * dx + y * dy;
    if (along <= 0) continue;
    const across = Math.abs(x * dy - y * dx);
    const cost = along + 2.5 * across;
    if (cost < bestCost) {
      bestCost = cost;
      best = i;
    }
  }
  return best;
}

/** The box around a path: left, top, right, bottom. */
export function boxOf(path: readonly number[]): [number, number, number, number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < path.length; i += 2) {
    left = Math.min(left, path[i]!);
    right = Math.max(right, path[i]!);
    top = Math.min(top, path[i + 1]!);
    bottom = Math.max(bottom, path[i + 1]!);
  }
  return [left, top, right, bottom];
}

/** Even-odd test; `path` is x, y, x, y, ... */
export function inside(path: readonly number[], x: number, y: number): boolean {
  let odd = false;
  const n = path.length;
  for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
    const yi = path[i + 1]!;
    const yj = path[j + 1]!;
    if (yi > y !== yj > y && x < ((path[j]! - path[i]!) * (y - yi)) / (yj - yi) + path[i]!) odd = !odd;
  }
  return odd;
}

/** The convex hull of points x, y, x, y, ... in order (Andrew 1979). */
export function hull(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (list: readonly (readonly [number, number])[]) => {
    const chain: (readonly [number, number])[] = [];
    for (const p of list) {
      while (chain.length > 1) {
        const [a, b] = [chain.at(-2)!, chain.at(-1)!];
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        chain.pop();
      }
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}
