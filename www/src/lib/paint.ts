/**
 * Draws the map of users into an ImageData: small masks per shape and size, blended into the pixels. 200,000 points take a
 * few milliseconds this way, where one canvas call per point would take hundreds.
 */
import { SHAPES, type Shape } from "./palette";

interface Mask { size: number; alpha: Uint8Array }

const KINDS: readonly (Shape | "cross")[] = [...SHAPES, "cross"];
/** Masks by kind and radius in quarters of a pixel. */
const cache: (Mask | undefined)[][] = KINDS.map(() => []);
const SUB = 4;
/** Below this radius, in pixels of the device, a shape cannot be told: a plain dot is written instead. */
const DOT = 1.3;

/** Coverage of a shape of the given radius in pixels, by 4 x 4 samples a pixel. */
function mask(kind: number, radius: number): Mask {
  const quarters = Math.max(2, Math.round(radius * 4));
  const known = cache[kind]![quarters];
  if (known) return known;
  const r = quarters / 4;
  const shape = KINDS[kind]!;
  const size = 2 * Math.ceil(r + 0.5) + 1;
  const alpha = new Uint8Array(size * size);
  const c = size / 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let hits = 0;
      for (let s = 0; s < SUB * SUB; s++) {
        const px = (x + ((s % SUB) + 0.5) / SUB - c) / r;
        const py = (y + (Math.floor(s / SUB) + 0.5) / SUB - c) / r;
        if (covers(shape, px, py)) hits++;
      }
      alpha[y * size + x] = Math.round((255 * hits) / (SUB * SUB));
    }
  }
  const made = { size, alpha };
  cache[kind]![quarters] = made;
  return made;
}

function covers(shape: Shape | "cross", x: number, y: number): boolean {
  const d = x * x + y * y;
  switch (shape) {
    case "circle": return d <= 1;
    case "ring": return d <= 1.1 && d >= 0.3;
    case "square": return Math.abs(x) <= 0.88 && Math.abs(y) <= 0.88;
    case "diamond": return Math.abs(x) + Math.abs(y) <= 1.25;
    case "triangle": return y <= 0.8 && y >= -1.1 + 2 * Math.abs(x);
    case "wedge": return -y <= 0.8 && -y >= -1.1 + 2 * Math.abs(x);
    case "cross": return d <= 1.9 && (Math.abs(x - y) <= 0.42 || Math.abs(x + y) <= 0.42);
  }
}

export interface Scene {
  xs: Float32Array;
  ys: Float32Array;
  radii: Float32Array;
  /** 0xRRGGBB per point. */
  colours: Uint32Array;
  /** 0 to 255 per point. */
  alphas: Uint8Array;
  /** Index into SHAPES per point, or `CROSS`. */
  shapes: Uint8Array;
}

export const CROSS = 255;

/** Draws every point; pixels start transparent. Points of alpha 0 are skipped. */
export function paint(image: ImageData, scene: Scene): void {
  const { width, height, data } = image;
  data.fill(0);
  const { xs, ys, radii, colours, alphas, shapes } = scene;
  const words = new Uint32Array(data.buffer, data.byteOffset, width * height);
  for (let i = 0; i < xs.length; i++) {
    const opacity = alphas[i]!;
    if (opacity === 0) continue;
    const kind = shapes[i]!;
    const colour = colours[i]!;
    if (radii[i]! < DOT && kind !== CROSS) {
      dot(words, width, height, xs[i]!, ys[i]!, radii[i]!, colour, opacity);
      continue;
    }
    const m = mask(kind === CROSS ? SHAPES.length : kind, radii[i]!);
    const r = colour >> 16;
    const g = (colour >> 8) & 255;
    const b = colour & 255;
    const left = Math.round(xs[i]! - m.size / 2);
    const top = Math.round(ys[i]! - m.size / 2);
    for (let y = 0; y < m.size; y++) {
      const py = top + y;
      if (py < 0 || py >= height) continue;
      for (let x = 0; x < m.size; x++) {
        const cover = m.alpha[y * m.size + x]!;
        const px = left + x;
        if (cover === 0 || px < 0 || px >= width) continue;
        const a = (cover * opacity) / 255;
        const o = 4 * (py * width + px);
        const under = data[o + 3]!;
        if (a >= 254 || under === 0) {
          data[o] = r; data[o + 1] = g; data[o + 2] = b; data[o + 3] = a;
        } else {
          const k = a / 255;
          const out = k + (under / 255) * (1 - k);
          const w = k / out;
          data[o] = data[o]! + (r - data[o]!) * w;
          data[o + 1] = data[o + 1]! + (g - data[o + 1]!) * w;
          data[o + 2] = data[o + 2]! + (b - data[o + 2]!) * w;
          data[o + 3] = 255 * out;
        }
      }
    }
  }
}

/** A point of one or 2 x 2 pixels, over whatever is there; little-endian RGBA, as every browser's machine has it. */
function dot(words: Uint32Array, width: number, height: number, x: number, y: number, r: number, colour: number, opacity: number): void {
  const word = ((opacity << 24) | ((colour & 255) << 16) | (colour & 0xff00) | (colour >> 16)) >>> 0;
  const side = r < 0.8 ? 1 : 2;
  const left = Math.round(x - side / 2);
  const top = Math.round(y - side / 2);
  if (left < 0 || top < 0 || left + side > width || top + side > height) return;
  const o = top * width + left;
  words[o] = word;
  if (side === 2) words[o + 1] = words[o + width] = words[o + width + 1] = word;
}
