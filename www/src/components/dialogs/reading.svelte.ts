/** Files on their way in, to be used or to check a receipt: what was found in the first rows of each, and what the person made of it. */
import type { ColumnChoice, Preview, ReadChoice, ReadConfig, Role, ErrorData } from "../../client";
import { listed, sentence } from "../../lib/format";
import type { Added } from "../../stores/basket.svelte";
import { lab } from "../../stores/lab.svelte";

export const ROLES: readonly { role: Role; label: string; needed: boolean }[] = [
  { role: "user", label: "User", needed: true },
  { role: "item", label: "Item", needed: true },
  { role: "rating", label: "Rating", needed: false },
  { role: "time", label: "Time", needed: false },
  { role: "consent", label: "Consent", needed: false },
];
type Mapping = Record<Role, number | null>;
/** What the person says about a file's layout; what is left out is found out. */
export type Layout = Pick<Partial<ReadConfig>, "entry" | "encoding" | "shape" | "delimiter" | "header" | "skip_lines" | "comment" | "quotes_as_text" | "day_first">;

/** One of the files: its own layout and its own columns. */
export class Part {
  preview = $state.raw<Preview | null>(null);
  problem = $state<string | null>(null);
  layout = $state.raw<Layout>({});
  mapping = $state<Mapping>({ user: null, item: null, rating: null, time: null, consent: null });
  /** Codes that mean "not rated", as typed; null: as found out. */
  codes = $state<string | null>(null);
  /** Of ratings that are words: those that count; none: all. */
  counting = $state.raw<string[]>([]);
  #asked = 0;
  missing = $derived.by((): string | null => {
    const { user, item } = this.mapping;
    if (user !== null && user === item) return "The users and the items cannot stand in the same column.";
    if (user === null || item === null) return this.preview?.problem ? sentence(this.preview.problem) : "A user column and another item column are needed.";
    return null;
  });

  constructor(readonly file: File, entry?: string) {
    if (entry) this.layout = { entry };
  }

  /** Looks at the first rows, as far as the person has said how. */
  async look(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const preview = await (await opened()).preview(this.file, this.layout);
      if (asked !== this.#asked) return;
      const place = (role: Role) => { const at = preview.columns.findIndex((c) => c.role === role); return at < 0 ? null : at; };
      this.mapping = { user: place("user"), item: place("item"), rating: place("rating"), time: place("time"), consent: place("consent") };
      this.problem = null;
      this.preview = preview;
    } catch (error) {
      if (asked !== this.#asked) return;
      this.preview = null;
      this.problem = `${this.file.name}: ${sentence((error as ErrorData).message)}`;
    }
  }

  /** Says more about the layout, and looks again. */
  async say(layout: Layout): Promise<void> {
    this.layout = { ...this.layout, ...layout };
    await this.look();
  }

  config(): Partial<ReadConfig> {
    const choice = (role: Role): ColumnChoice => (this.mapping[role] === null ? "none" : { column: this.mapping[role] });
    const codes = this.codes?.split(",").map((code) => code.trim()).filter((code) => code);
    return {
      ...this.layout, user: choice("user"), item: choice("item"), rating: choice("rating"), time: choice("time"), consent: choice("consent"),
      missing: codes ?? null, positive_words: this.preview?.words.length ? this.counting : [],
    };
  }
}

export class Reading {
  parts = $state.raw<Part[]>([]);
  /** A file that names the items, if one was given. */
  titles = $state.raw<File | null>(null);
  files = $derived(this.parts.map((part) => part.file));
  preview = $derived(this.parts[0]?.preview ?? null);
  problem = $derived(this.parts.map((part) => part.problem).find((problem) => problem) ?? null);
  mapping = $derived(this.parts[0]?.mapping ?? { user: null, item: null, rating: null, time: null, consent: null });
  /** Filters as typed; empty keeps everything. */
  positive = $state("");
  kCore = $state("");
  /** Ids that look alike are one. */
  merge = $state(false);
  /** Percent of the users to read, as typed; empty: all. */
  share = $state("");
  done = $state(0);
  total = $state(0);
  /** What keeps it from being read, in words. */
  missing = $derived.by((): string | null => {
    const part = this.parts.map((part) => part.missing).find((missing) => missing);
    if (part) return part;
    if (this.positive.trim() && !Number.isFinite(Number(this.positive))) return `“${this.positive}” is no number: ratings of at least how much are kept?`;
    if (this.kCore.trim() && !/^\d+$/.test(this.kCore.trim())) return `“${this.kCore}” is no whole number: at least how many rows must a user and an item have?`;
    if (this.share.trim() && !(Number(this.share) > 0 && Number(this.share) <= 100)) return `“${this.share}” is no share: how many in a hundred users are read?`;
    return null;
  });
  ready = $derived(this.parts.length > 0 && this.parts.every((part) => part.preview) && this.missing === null);
  /** Memory that reading takes, and the share of users that fits where everything does not. */
  large = $derived.by(() => this.parts.map((part) => part.preview?.estimate?.share ?? null).find((share) => share !== null) ?? null);
  /** How it is read, in words. */
  words = $derived.by(() => {
    const name = (role: Role) => { const at = this.mapping[role]; return at === null ? null : this.preview?.columns[at]?.name; };
    const used = ROLES.flatMap(({ role, label }) => (name(role) ? [`${label.toLowerCase()} from “${name(role)}”`] : []));
    return listed([
      ...used, ...(this.positive.trim() ? [`ratings of at least ${this.positive.trim()}`] : []),
      ...(Number(this.kCore) > 1 ? [`users and items with at least ${this.kCore.trim()} rows`] : []),
      ...(this.merge ? ["ids that look alike made one"] : []), ...(Number(this.share) > 0 ? [`${this.share.trim()}% of the users`] : []),
    ], 9);
  });
  /** Train and test in one archive: the names of the two files. */
  pair = $derived.by((): [string, string] | null => {
    if (this.parts.length !== 1) return null;
    const find = (seems: string) => this.preview?.entries.find((entry) => entry.seems.startsWith(seems))?.name;
    const [train, test] = [find("training rows"), find("test rows")];
    return train && test ? [train, test] : null;
  });

  /** Takes rows, and of the files the one that names the items: given with them, or after them. */
  async look(files: File[]): Promise<void> {
    const titled = await Promise.all(files.map(listsTitles));
    const titles = files.find((_, at) => titled[at]) ?? null;
    const rows = files.filter((file) => file !== titles);
    if (titles && (rows.length || this.parts.length)) {
      this.titles = titles;
      if (!rows.length) return;
    } else this.titles = null;
    this.parts = inOrder(rows.length ? rows : files).slice(0, 2).map((file) => new Part(file));
    await Promise.all(this.parts.map((part) => part.look()));
  }

  /** Takes train and test from one archive. */
  async split(): Promise<void> {
    const file = this.files[0];
    if (!this.pair || !file) return;
    this.parts = this.pair.map((entry) => new Part(file, entry));
    await Promise.all(this.parts.map((part) => part.look()));
  }

  config(): ReadChoice {
    const shared = { merge_ids: this.merge, sample: this.share.trim() ? { share: Number(this.share) / 100, seed: 0 } : null };
    const one = (part: Part, k_core: number): Partial<ReadConfig> => ({
      ...part.config(), ...shared, k_core, positive: this.positive.trim() && part.mapping.rating !== null ? Number(this.positive) : null,
    });
    const [first, second] = this.parts;
    const config = one(first!, Number(this.kCore) || 0);
    return second ? [config, one(second, Number(this.kCore) || 0)] : config;
  }

  source(): ({ data: File } | { train: File; test: File }) & { titles?: File } {
    const [first, second] = this.files;
    const titles = this.titles ? { titles: this.titles } : {};
    return second ? { train: first!, test: second, ...titles } : { data: first!, ...titles };
  }

  async load(): Promise<boolean> {
    this.done = 0;
    this.total = this.files.reduce((sum, f) => sum + f.size, 0);
    return lab.loadFiles(this.source(), this.config(), (done, total) => { this.done = done; this.total = total; });
  }

  /** The rows of the one file, to be added to those that are there; null if they cannot be used. */
  async added(): Promise<Added | null> {
    const file = this.files[0]!;
    try {
      return { name: file.name, rows: await lab.session!.addedRows(file, [this.config()].flat()[0]) };
    } catch (error) {
      this.problem = `${file.name}: ${sentence((error as ErrorData).message)}`;
      return null;
    }
  }

  forget(): void {
    this.parts = [];
    this.titles = null;
    this.positive = this.kCore = this.share = "";
    this.merge = false;
  }
}

/** A file may come before the library has opened. */
async function opened(): Promise<NonNullable<typeof lab.session>> {
  while (!lab.session) await new Promise((wake) => setTimeout(wake, 20));
  return lab.session;
}

/** What cannot be looked at is no list of titles; why it cannot is told when its rows are looked at. */
const listsTitles = (file: File): Promise<boolean> => opened().then((session) => session.listsTitles(file)).catch(() => false);

/** Of two files the one with "test" in its name is the test file; else they are taken in the order given. */
function inOrder(files: File[]): File[] {
  const [a, b] = files;
  return a && b && /test/i.test(a.name) && !/test/i.test(b.name) ? [b, a] : files;
}
