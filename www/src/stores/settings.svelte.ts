/** The knobs: what the person asked for, against what the results on the page were made with. */
import type { Catalogue, CombinerCard, Settings as Values, DeepPartial, Json, Knob, ModelCard, ModelConfig, PartitionCard, Stage } from "../client";
import { START } from "../lib/start";
import { at, nested, readLink, unknownSettings, writeLink } from "../lib/link";

/** The parts of the settings that are a choice with knobs of its own, and the member that names it. */
const CHOICES = { model: "name", partition: "method", combine: "method" } as const;
type Part = keyof typeof CHOICES;
const CHOSEN: readonly string[] = Object.entries(CHOICES).map(([part, tag]) => `${part}.${tag}`);
const partOf = (path: string): Part | null => { const part = path.split(".")[0]!; return Object.hasOwn(CHOICES, part) ? (part as Part) : null; };

class Settings {
  /** The library's defaults, as the session opened with them. */
  defaults = $state.raw<Values | null>(null);
  /** The models, partitions and combiners that there are, with their knobs. */
  catalogue = $state.raw<Catalogue | null>(null);
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
    this.#check();
  }

  /** Learns the library's defaults, and which settings there are. */
  meet(defaults: Values, catalogue: Catalogue): void {
    this.catalogue = catalogue;
    this.defaults = defaults;
    this.#check();
  }

  /** What an address names and the library does not have, or not with what is chosen, is left out, with a word. */
  #check(): void {
    if (!this.defaults || !this.catalogue) return;
    const plain = unknownSettings(this.changed, this.defaults);
    const known = (path: string) => (partOf(path) ? CHOSEN.includes(path) || this.#knob(path) !== undefined : !plain.includes(path));
    const unknown = Object.keys(this.changed).filter((path) => !known(path));
    if (!unknown.length) return;
    this.changed = Object.fromEntries(Object.entries(this.changed).filter(([path]) => !unknown.includes(path)));
    const named = unknown.slice(0, 3).join(", ") + (unknown.length > 3 ? ` and ${unknown.length - 3} more` : "");
    this.problem = [this.problem, `This link names settings that there are not, and they are left out: ${named}.`].filter(Boolean).join(" ");
  }

  /** What is known of a choice. */
  modelCard(name: Json | undefined): ModelCard | undefined {
    return this.catalogue?.models.find((card) => card.name === name);
  }

  #card(part: Part, name: Json | undefined): ModelCard | PartitionCard | CombinerCard | undefined {
    const cards = this.catalogue && { model: this.catalogue.models, partition: this.catalogue.partitions, combine: this.catalogue.combiners }[part];
    return cards?.find((card) => card.name === name);
  }

  /** The knob at a path, if what is chosen has it. */
  #knob(path: string, changed: (path: string) => Json | undefined = (path) => this.changed[path]): Knob | undefined {
    const part = partOf(path);
    if (!part) return undefined;
    const tag = `${part}.${CHOICES[part]}`;
    const chosen = this.#card(part, changed(tag) ?? at(this.defaults ?? undefined, tag));
    return chosen?.knobs.find((knob) => `${part}.${knob.name}` === path);
  }

  /** A combiner that the model does not work with was asked for: the mean of scores serves instead. */
  standIn = $derived.by(() => {
    const combiner = this.#card("combine", this.plain("combine.method")) as CombinerCard | undefined;
    return combiner && !(combiner.models as readonly (Json | undefined)[]).includes(this.plain("model.name")) ? "mean" : null;
  });

  value(path: string): Json | undefined {
    return path === "combine.method" && this.standIn ? this.standIn : this.plain(path);
  }

  /** What a path is set to, or its default; null where the library finds the value from the data. `changed`: of other settings. */
  plain(path: string, changed: (path: string) => Json | undefined = (path) => (Object.hasOwn(this.changed, path) ? this.changed[path] : undefined)): Json | undefined {
    const set = changed(path);
    if (set !== undefined && set !== null) return set;
    const knob = this.#knob(path, changed);
    return knob ? defaultOf(knob) : at(this.defaults ?? undefined, path);
  }

  set(path: string, value: Json): void {
    this.unsaid = true;
    const next = { ...this.changed };
    if (CHOSEN.includes(path)) {
      const part = partOf(path)!;
      const has = this.#card(part, value)?.knobs.map((knob) => `${part}.${knob.name}`) ?? [];
      // What suits one model says nothing about another; elsewhere what the other has too stays.
      for (const other of Object.keys(next)) if (partOf(other) === part && (part === "model" || !has.includes(other))) delete next[other];
    }
    const knob = this.#knob(path);
    if (this.defaults && (knob ? value === null || defaultOf(knob) === value : at(this.defaults, path) === value)) delete next[path];
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

  /** Another partition with what it has in common with this one. */
  dividing(method: PartitionCard["name"], like: Values["partition"]): Values["partition"] {
    const has = this.#card("partition", method)?.knobs.map((knob) => knob.name) ?? [];
    const both = Object.entries(like).filter(([name]) => has.includes(name));
    return { method, ...Object.fromEntries(both) } as Values["partition"];
  }

  /** What differs from the defaults, as the library takes it. */
  asked(): { [key: string]: Json } {
    const changed: Record<string, Json> = { ...this.changed, ...(this.standIn ? { "combine.method": this.standIn } : {}) };
    const known = Object.entries(changed).filter(([path]) => CHOSEN.includes(path) || !partOf(path) || this.#knob(path, (path) => changed[path]));
    return nested(Object.fromEntries(known));
  }

  /** The whole configuration: defaults with the changes on top. What is not set of the chosen's knobs is null: the default. */
  patch(): DeepPartial<Values> {
    const asked = this.asked();
    const base = structuredClone((this.defaults ?? {}) as unknown as { [key: string]: Json });
    for (const [part, tag] of Object.entries(CHOICES) as [Part, string][]) {
      const name = at(asked, `${part}.${tag}`) ?? at(base, `${part}.${tag}`) ?? null;
      const knobs = this.#card(part, name)?.knobs ?? [];
      base[part] = { [tag]: name, ...Object.fromEntries(knobs.map((knob) => [knob.name, null])) };
    }
    return merge(base, asked) as DeepPartial<Values>;
  }

  link(): string {
    return writeLink({ settings: this.changed, data: this.data, hide: this.hide, lesson: this.lesson });
  }

  hidden(part: string): boolean {
    return this.hide.includes(part);
  }
}

/** A knob's default as a value; null where it is found from the data, and said in words. */
function defaultOf(knob: Knob): Json {
  if (knob.kind === "flag") return knob.default === "true";
  if (knob.kind === "choice") return knob.default;
  return Number.isFinite(Number(knob.default)) ? Number(knob.default) : null;
}

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
