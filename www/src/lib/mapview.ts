/** The map of users as pixels: where each point is, how large, in which colour and shape. */
import { PointGrid } from "./geometry";
import { CROSS, paint, type Scene } from "./paint";
import { hues, rgb, SHAPES, shapeOf, shapePath } from "./palette";

export interface MapState {
  mode: "plain" | "shards";
  shardOf: Uint16Array | null;
  /** The assignment before, to fade from; null for none. */
  from: Uint16Array | null;
  /** 0 to 1: how far the fade is. */
  fade: number;
  /** Points that are to be forgotten. */
  chosen: ReadonlySet<number>;
  /** Points that are forgotten. */
  gone: ReadonlySet<number>;
  /** Shards that stay bright; null for all. */
  bright: ReadonlySet<number> | null;
  /** Shards that pulse, and the pulse from 0 to 1. */
  pulsing: ReadonlySet<number>;
  pulse: number;
  dark: boolean;
}

const MARGIN = 14;
/** More than so many crosses would cover each other and hide where people are: then they are points of their own size. */
export const CROSSES = 300;
/** The shard of somebody who is in none. */
const NONE = 65535;
const pack = (hex: string) => { const [r, g, b] = rgb(hex); return (r << 16) | (g << 8) | b; };

function mix(a: number, b: number, t: number): number {
  const channel = (shift: number) => {
    const x = (a >> shift) & 255;
    return Math.round(x + (((b >> shift) & 255) - x) * t) << shift;
  };
  return channel(16) | channel(8) | channel(0);
}

export class MapView {
  /** Pixels of the page (not of the device). */
  xs = new Float32Array(0);
  ys = new Float32Array(0);
  grid = new PointGrid(this.xs, this.ys, 1, 1);
  #scene: Scene | null = null;
  #image: ImageData | null = null;
  #context: CanvasRenderingContext2D;
  #ratio = 1;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext("2d")!;
  }

  /** Places the points in a box; `rows` is each point's activity. */
  layout(positions: Float32Array, rows: ArrayLike<number>, width: number, height: number, ratio: number): void {
    const n = positions.length / 2;
    this.#ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.#image = new ImageData(this.canvas.width, this.canvas.height);
    const box = bounds(positions);
    const w = width - 2 * MARGIN;
    const h = height - 2 * MARGIN;
    this.xs = new Float32Array(n);
    this.ys = new Float32Array(n);
    const radii = new Float32Array(n);
    const base = Math.min(4.2, Math.max(0.7, 0.2 * Math.sqrt((w * h) / Math.max(1, n))));
    const middle = median(rows, n) || 1;
    for (let i = 0; i < n; i++) {
      this.xs[i] = MARGIN + w * clamp((positions[2 * i]! - box.left) / box.width);
      this.ys[i] = MARGIN + h * (1 - clamp((positions[2 * i + 1]! - box.bottom) / box.height));
      radii[i] = ratio * base * Math.min(2.3, Math.max(0.7, Math.sqrt((rows[i] || 1) / middle)));
    }
    this.grid = new PointGrid(this.xs, this.ys, width, height);
    this.box = { left: box.left, bottom: box.bottom, sx: w / box.width, sy: h / box.height, height };
    this.#scene = {
      xs: this.xs.map((x) => x * ratio), ys: this.ys.map((y) => y * ratio), radii,
      colours: new Uint32Array(n), alphas: new Uint8Array(n), shapes: new Uint8Array(n),
    };
  }

  private box = { left: -1, bottom: -1, sx: 1, sy: 1, height: 1 };

  /** Where a point of the embedding's plane is drawn. */
  project(x: number, y: number): [number, number] {
    const b = this.box;
    return [MARGIN + (x - b.left) * b.sx, b.height - MARGIN - (y - b.bottom) * b.sy];
  }

  draw(state: MapState): void {
    const scene = this.#scene;
    const image = this.#image;
    if (!scene || !image) return;
    const palette = hues(state.dark).map(pack);
    const plain = pack(state.dark ? "#9fb4b5" : "#45686b");
    const red = pack(state.dark ? "#f59270" : "#b23a1c");
    const faded = pack(state.dark ? "#6b7176" : "#9a978d");
    const { shardOf, from, fade, bright, pulsing } = state;
    const shapes = Uint8Array.from({ length: 256 }, (_, k) => SHAPES.indexOf(shapeOf(k)));
    const n = scene.xs.length;
    const coloured = state.mode === "shards" && shardOf !== null && shardOf.length === n;
    for (let i = 0; i < n; i++) {
      let colour = plain;
      let alpha = n > 20_000 ? 200 : 190;
      let shape = 0;
      const k = coloured ? shardOf[i]! : NONE;
      if (k !== NONE) {
        const own = palette[k % palette.length]!;
        colour = own;
        shape = shapes[k & 255]!;
        if (from && fade < 1) {
          const before = from[i]!;
          if (before !== k) colour = mix(palette[before % palette.length]!, own, fade);
        }
        alpha = 232;
        if (bright && !bright.has(k)) alpha = 44;
        else if (pulsing.size && !pulsing.has(k)) alpha = 105;
        else if (pulsing.has(k)) alpha = 150 + Math.round(105 * state.pulse);
      }
      scene.colours[i] = colour;
      scene.alphas[i] = alpha;
      scene.shapes[i] = shape;
    }
    const radii = state.chosen.size || state.gone.size ? scene.radii.slice() : scene.radii;
    const mark = (set: ReadonlySet<number>, colour: number, alpha: number, least: number) => {
      const crowd = set.size > CROSSES;
      for (const i of set) {
        if (i >= n) continue;
        scene.colours[i] = colour;
        scene.alphas[i] = alpha;
        scene.shapes[i] = crowd ? 0 : CROSS;
        if (!crowd) radii[i] = Math.max(radii[i]!, least * this.#ratio);
      }
    };
    // Among many the others step back: the shape of the crowd is what is to be seen.
    if (state.chosen.size > CROSSES) for (let i = 0; i < n; i++) scene.alphas[i] = Math.min(scene.alphas[i]!, 90);
    mark(state.gone, faded, 190, 2.3);
    mark(state.chosen, red, 255, 3.1);
    paint(image, { ...scene, radii });
    this.#context.putImageData(image, 0, 0);
  }

  /** The map on a ground of its own, with a legend and a sentence below it. */
  png({ dark, shards, words }: { dark: boolean; shards: number; words: string }): Promise<Blob | null> {
    const canvas = document.createElement("canvas");
    const r = this.#ratio;
    const [width, legend] = [this.canvas.width, shards ? 34 * r : 0];
    canvas.width = width;
    canvas.height = this.canvas.height + legend + 54 * r;
    const pen = canvas.getContext("2d")!;
    pen.fillStyle = dark ? "#1a1e22" : "#fffefb";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(this.canvas, 0, 0);
    pen.font = `${13 * r}px sans-serif`;
    const step = Math.min(46 * r, (width - 28 * r) / Math.max(1, shards));
    for (let k = 0; k < shards && step > 14 * r; k++) {
      pen.save();
      pen.translate(14 * r + k * step, this.canvas.height + 8 * r);
      pen.scale(1.3 * r, 1.3 * r);
      pen.fillStyle = hues(dark)[k % hues(dark).length]!;
      pen.fill(new Path2D(shapePath(shapeOf(k))), "evenodd");
      pen.restore();
      pen.fillStyle = dark ? "#b7b8b5" : "#50565b";
      if (step > 34 * r) pen.fillText(String(k + 1), 31 * r + k * step, this.canvas.height + 19 * r);
    }
    pen.fillStyle = dark ? "#b7b8b5" : "#50565b";
    let [line, y] = ["", this.canvas.height + legend + 18 * r];
    for (const word of words.split(" ")) {
      if (line && pen.measureText(`${line} ${word}`).width > width - 28 * r) {
        pen.fillText(line, 14 * r, y);
        [line, y] = [word, y + 18 * r];
      } else line = line ? `${line} ${word}` : word;
    }
    pen.fillText(line, 14 * r, y);
    return new Promise((done) => canvas.toBlob(done));
  }
}

const clamp = (x: number) => Math.min(1, Math.max(0, x));

/** The box that holds the points, widened a little; never empty. */
function bounds(p: Float32Array): { left: number; bottom: number; width: number; height: number } {
  let left = Infinity, right = -Infinity, bottom = Infinity, top = -Infinity;
  for (let i = 0; i < p.length; i += 2) {
    left = Math.min(left, p[i]!);
    right = Math.max(right, p[i]!);
    bottom = Math.min(bottom, p[i + 1]!);
    top = Math.max(top, p[i + 1]!);
  }
  if (!(right > left)) { left = -1; right = 1; }
  if (!(top > bottom)) { bottom = -1; top = 1; }
  return { left, bottom, width: right - left, height: top - bottom };
}

function median(values: ArrayLike<number>, n: number): number {
  const sorted = Array.from({ length: n }, (_, i) => values[i] ?? 0).sort((a, b) => a - b);
  return sorted[n >> 1] ?? 1;
}
