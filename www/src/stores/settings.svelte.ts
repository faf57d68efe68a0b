/** The knobs: what the person asked for, against what the results on the page were made with. */
import type { Settings as Values, DeepPartial, Json, ModelConfig, Stage } from "../client";
import { START } from "../lib/start";
import { at, nested, readLink, unknownSettings, writeLink } from "../lib/link";

class Settings {
  /** The library's defaults, as the session opened with them. */
  defaults = $state.raw<Values | null>(null);
  /** What differs from the defaults, by dotted path. */
  changed = $state.raw<Record<string, Json>>({});
  /** The chosen model's settings with every knob filled in by the library, if it was asked since. */
  model = $state.raw<ModelConfig | null>(null);
  hide = $state.raw<string[]>([]);
  /** The lesson that goes on. */
  lesson = $state<string | null>(null);
  data = $state<string | null>(null);
  /** Was something changed that the library has not heard of? */
  unsaid = $state(false);
  /** Stages whose results were made with other settings. */
  stale = $state.raw<Stage[]>([]);
  problem = $state<string | null>(null);
  problemAt = $state<string | null>(null);

  read(hash: string): void {
    const link = readLink(hash);
    this.changed = link.settings;
    this.hide = link.hide;
    this.lesson = link.lesson;
    this.data = link.data;
    this.problem = link.problem;
    if (this.defaults) this.#check(this.defaults);
  }

  /** Learns the library's defaults, and with them which settings there are. */
  meet(defaults: Values): void {
    this.defaults = defaults;
    this.#check(defaults);
  }

  /** What an address names and the library does not have is left out, with a word. */
  #check(defaults: Values): void {
    const unknown = unknownSettings(this.changed, defaults);
    if (!unknown.length) return;
    this.changed = Object.fromEntries(Object.entries(this.changed).filter(([path]) => !unknown.includes(path)));
    const named = unknown.slice(0, 3).join(", ") + (unknown.length > 3 ? ` and ${unknown.length - 3} more` : "");
    this.problem = [this.problem, `This link names settings that there are not, and they are left out: ${named}.`].filter(Boolean).join(" ");
  }

  /** A combiner that joins item vectors, asked for with a model that has none: the mean of scores serves instead. */
  standIn = $derived(joins(this.#plain("combine.method")) && !hasVectors(this.#plain("model.name")) ? "mean" : null);

  value(path: string): Json | undefined {
    return path === "combine.method" && this.standIn ? this.standIn : this.#plain(path);
  }

  #plain(path: string): Json | undefined {
    return Object.hasOwn(this.changed, path) ? this.changed[path] : at(this.defaults ?? undefined, path);
  }

  set(path: string, value: Json): void {
    this.unsaid = true;
    const next = { ...this.changed };
    // What suits one model says nothing about another.
    if (path === "model.name") for (const other of Object.keys(next)) if (other.startsWith("model.")) delete next[other];
    if (this.defaults && at(this.defaults, path) === value) delete next[path];
    else next[path] = value;
    this.changed = next;
  }

  /** One setting back to the default. */
  clear(path: string): void {
    this.unsaid = true;
    const { [path]: _, ...rest } = this.changed;
    this.changed = rest;
  }

  /** Every setting back to the default; all paths ever changed are named so that the library hears of each. */
  reset(): void {
    this.changed = {};
  }

  /** The settings of a first visit, for the data that is loaded. */
  toStart(): void {
    this.changed = readLink(START).settings;
  }

  /** The whole configuration: defaults with the changes on top. */
  patch(): DeepPartial<Values> {
    const base = structuredClone((this.defaults ?? {}) as { [key: string]: Json });
    return merge(base, nested(this.standIn ? { ...this.changed, "combine.method": this.standIn } : this.changed)) as DeepPartial<Values>;
  }

  link(): string {
    return writeLink({ settings: this.changed, data: this.data, hide: this.hide, lesson: this.lesson });
  }

  hidden(part: string): boolean {
    return this.hide.includes(part);
  }
}

/** Models whose score is no inner product with a vector per item. */
export const hasVectors = (model: Json | undefined) => model !== "ease" && model !== "itemknn" && model !== "neumf";
/** Combiners that work on item vectors, not on scores. */
export const joins = (combiner: Json | undefined) => combiner === "joint" || combiner === "consensus" || combiner === "attention";

function merge(base: { [key: string]: Json }, top: { [key: string]: Json }): { [key: string]: Json } {
  for (const [key, value] of Object.entries(top)) {
    if (!Object.hasOwn(base, key)) continue;
    const below = base[key];
    base[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return base;
}
const isRecord = (x: Json | undefined): x is { [key: string]: Json } => typeof x === "object" && x !== null && !Array.isArray(x);

export const settings = new Settings();
