/**
 * One hue and one shape per shard. Twelve hues that stay apart under the common colour-vision deficiencies, each with a
 * variant for dark ground; beyond twelve the hues return with other shapes.
 */
const LIGHT = [
  "#3b4cc0", "#d1762b", "#2a9d8f", "#b0305c", "#8a7a12", "#5aa5d6", "#7d3c98", "#3f7d36", "#c98bb9", "#6b4a2f", "#cfa93a", "#5c6b7a",
] as const;
const DARK = [
  "#7f93ff", "#f0985a", "#4fc9b8", "#f0709a", "#cdbb4a", "#86ccf5", "#bb86e0", "#83c277", "#e9b3da", "#bd9070", "#f0d272", "#a3b3c4",
] as const;

export const SHAPES = ["circle", "square", "triangle", "diamond", "wedge", "ring"] as const;
export type Shape = (typeof SHAPES)[number];

export const hues = (dark: boolean): readonly string[] => (dark ? DARK : LIGHT);
export const hue = (shard: number, dark: boolean): string => hues(dark)[shard % LIGHT.length]!;
export const shapeOf = (shard: number): Shape => SHAPES[(shard + Math.floor(shard / LIGHT.length)) % SHAPES.length]!;

/** The path of a shard's shape in a box of 10 x 10. */
export function shapePath(shape: Shape): string {
  switch (shape) {
    case "circle": return "M5 1a4 4 0 1 0 0 8a4 4 0 1 0 0-8Z";
    case "square": return "M1.4 1.4h7.2v7.2H1.4Z";
    case "triangle": return "M5 .9 9.5 8.7H.5Z";
    case "wedge": return "M5 9.1.5 1.3h9Z";
    case "diamond": return "M5 .3 9.7 5 5 9.7.3 5Z";
    case "ring": return "M5 .8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 1 0 0-8.4ZM5 3.3a1.7 1.7 0 1 1 0 3.4a1.7 1.7 0 1 1 0-3.4Z";
  }
}

/** "#rrggbb" to [r, g, b]. */
export function rgb(hex: string): [number, number, number] {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}
