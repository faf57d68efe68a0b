/** The controls, drawn from the library's catalogue: every name, range, default and explanation is the library's. */
import type { Catalogue, Json, Knob } from "../../client";

export interface Option { value: string; title: string; about: string; barred: boolean }
/** One control: a choice, or a knob of what is chosen. */
export type Control = { path: string; title: string; about: string } & ({ kind: "choice"; options: readonly Option[] } | { kind: "number"; knob: Knob } | { kind: "switch" });
export interface Group { title: string; controls: readonly Control[] }

type Value = (path: string) => Json | undefined;
interface Card { name: string; title: string; about: string; knobs: readonly Knob[]; models?: readonly string[] }

function control(path: string, knob: Knob): Control {
  const { title, about } = knob;
  if (knob.kind === "flag") return { path, title, about, kind: "switch" };
  if (knob.kind !== "choice") return { path, title, about, kind: "number", knob };
  return { path, title, about, kind: "choice", options: knob.choices.map((value) => ({ value, title: value, about: "", barred: false })) };
}

/** What only matters with something else is shown with it. `consenting`: how many users consent, null if nobody was asked. */
function matters(path: string, value: Value, consenting: number | null): boolean {
  const consent = value("partition.consent") === true;
  if (path === "partition.consent") return consent || consenting !== null;
  if (path === "partition.anchors") return !consent;
  if (path === "partition.epsilon") return value("partition.solver") === "entropic";
  return true;
}

/** The controls for the settings as they are. */
export function groups({ models, partitions, combiners, seed }: Catalogue, value: Value, consenting: number | null): readonly Group[] {
  const model = String(value("model.name"));
  const part = (title: string, name: string, tag: string, about: string, cards: readonly Card[]): Group => {
    const path = `${name}.${tag}`;
    const options = cards.map((card) => ({ value: card.name, title: card.title, about: card.about, barred: !!card.models && !card.models.includes(model) }));
    const chosen = cards.find((card) => card.name === value(path));
    const knobs = (chosen?.knobs ?? []).map((knob) => control(`${name}.${knob.name}`, knob));
    const choice: Control = { path, title: { model: "Sub-model", partition: "Partition", combine: "Combiner" }[name]!, about, kind: "choice", options };
    return { title, controls: [choice, ...knobs.filter(({ path }) => matters(path, value, consenting))] };
  };
  return [
    part("Divide", "partition", "method", "Who shares a sub-model with whom.", partitions),
    part("Train", "model", "name", "What is trained on each shard.", models),
    part("Combine", "combine", "method", "How K sub-models serve one person.", combiners),
    { title: "Chance", controls: [control("seed", seed)] },
  ];
}

/** A number without an exponent, as accessibility attributes want it. */
export const decimal = (n: number): string => (Number.isInteger(n) ? `${BigInt(n)}` : n.toFixed(100).replace(/0+$/, ""));

/** A slider over where a knob's values usually lie. Its steps grow with the value where that goes over decades, so that 2 to 12 has as much room as 20 to 100. */
export function slider(knob: Knob): { min: number; max: number; step: number; to: (value: number) => number; from: (at: number) => number } | null {
  const [low, high] = knob.usual;
  const whole = knob.kind === "whole";
  if (low > 0 && high / low >= 50) {
    const decades = Math.log(high / low);
    const from = (at: number) => { const n = low * Math.exp((at / 100) * decades); return whole ? Math.round(n) : Number(n.toPrecision(2)); };
    return { min: 0, max: 100, step: 1, to: (n) => Math.round((100 * Math.log(Math.max(n, low) / low)) / decades), from };
  }
  if (high - low > 1000) return null;
  const same = (n: number) => n;
  return { min: low, max: high, step: whole ? 1 : 10 ** Math.floor(Math.log10(high - low)) / 20, to: same, from: same };
}
