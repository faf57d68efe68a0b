/** Files on their way in, to be used or to check a receipt: what was found in the first rows, and what the person made of it. */
import type { ColumnChoice, Preview, ReadConfig, Role, ErrorData } from "../../client";
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

export class Reading {
  files = $state.raw<File[]>([]);
  preview = $state.raw<Preview | null>(null);
  mapping = $state<Record<Role, number | null>>({ user: null, item: null, rating: null, time: null, consent: null });
  problem = $state<string | null>(null);
  /** Filters as typed; empty keeps everything. */
  positive = $state("");
  kCore = $state("");
  done = $state(0);
  total = $state(0);
  /** What keeps it from being read, in words. */
  missing = $derived.by((): string | null => {
    const { user, item } = this.mapping;
    if (user !== null && user === item) return "The users and the items cannot stand in the same column.";
    if (user === null || item === null) return this.preview?.problem ? sentence(this.preview.problem) : "A user column and another item column are needed.";
    if (this.positive.trim() && !Number.isFinite(Number(this.positive))) return `“${this.positive}” is no number: ratings of at least how much are kept?`;
    if (this.kCore.trim() && !/^\d+$/.test(this.kCore.trim())) return `“${this.kCore}” is no whole number: at least how many rows must a user and an item have?`;
    return null;
  });
  ready = $derived(this.preview !== null && this.missing === null);
  /** How it is read, in words. */
  words = $derived.by(() => {
    const name = (role: Role) => { const at = this.mapping[role]; return at === null ? null : this.preview?.columns[at]?.name; };
    const used = ROLES.flatMap(({ role, label }) => (name(role) ? [`${label.toLowerCase()} from “${name(role)}”`] : []));
    return listed([...used, ...(this.positive.trim() ? [`ratings of at least ${this.positive.trim()}`] : []), ...(Number(this.kCore) > 1 ? [`users and items with at least ${this.kCore.trim()} rows`] : [])], 9);
  });

  async look(files: File[]): Promise<void> {
    this.files = inOrder(files);
    this.preview = null;
    this.problem = null;
    if (!this.files.length) return;
    try {
      const preview = await lab.session!.preview(this.files[0]!);
      this.preview = preview;
      const place = (role: Role) => { const at = preview.columns.findIndex((c) => c.role === role); return at < 0 ? null : at; };
      this.mapping = { user: place("user"), item: place("item"), rating: place("rating"), time: place("time"), consent: place("consent") };
    } catch (error) {
      this.problem = `${this.files[0]!.name}: ${sentence((error as ErrorData).message)}`;
    }
  }

  config(): Partial<ReadConfig> {
    const choice = (role: Role): ColumnChoice => (this.mapping[role] === null ? "none" : { column: this.mapping[role] });
    const { delimiter, has_header } = this.preview!;
    return {
      delimiter, header: has_header, user: choice("user"), item: choice("item"), rating: choice("rating"), time: choice("time"),
      consent: choice("consent"),
      positive: this.positive.trim() && this.mapping.rating !== null ? Number(this.positive) : null, k_core: Number(this.kCore) || 0,
    };
  }

  source(): { data: File } | { train: File; test: File } {
    const [first, second] = this.files;
    return second ? { train: first!, test: second } : { data: first! };
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
      return { name: file.name, rows: await lab.session!.addedRows(file, this.config()) };
    } catch (error) {
      this.problem = `${file.name}: ${sentence((error as ErrorData).message)}`;
      return null;
    }
  }

  forget(): void {
    this.files = [];
    this.preview = null;
    this.problem = null;
    this.positive = this.kCore = "";
  }
}

/** Of two files the one with "test" in its name is the test file; else they are taken in the order given. */
function inOrder(files: File[]): File[] {
  const [a, b] = files;
  return a && b && /test/i.test(a.name) && !/test/i.test(b.name) ? [b, a] : files;
}
