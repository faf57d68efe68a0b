/** A file on its way in: what was found in its first rows, what the person made of it, how far the reading is. */
import type { ColumnChoice, Preview, ReadConfig, Role, ErrorData } from "../../client";
import { sentence } from "../../lib/format";
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
  done = $state(0);
  total = $state(0);
  ready = $derived(this.preview !== null && this.mapping.user !== null && this.mapping.item !== null && this.mapping.user !== this.mapping.item);

  async look(files: File[]): Promise<void> {
    this.files = inOrder(files);
    this.preview = null;
    this.problem = null;
    lab.failure = null;
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
    };
  }

  async load(): Promise<boolean> {
    this.done = 0;
    this.total = this.files.reduce((sum, f) => sum + f.size, 0);
    const [first, second] = this.files;
    const input = second ? { train: first!, test: second } : { data: first! };
    return lab.loadFiles(input, this.config(), (done, total) => { this.done = done; this.total = total; });
  }

  forget(): void {
    this.files = [];
    this.preview = null;
    this.problem = null;
  }
}

/** Of two files the one with "test" in its name is the test file; else they are taken in the order given. */
function inOrder(files: File[]): File[] {
  const [a, b] = files;
  return a && b && /test/i.test(a.name) && !/test/i.test(b.name) ? [b, a] : files;
}
