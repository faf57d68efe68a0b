/** One line per finished run: what was run, what came out, so that runs can be compared and repeated. */
import type { Json, Snapshot } from "../client";
import { csv } from "../lib/download";

export interface Entry {
  number: number;
  what: "built" | "forgot" | "compared";
  data: string;
  method: string;
  shards: number;
  combine: string;
  seed: number;
  protocol: string;
  touched: number | null;
  seconds: number | null;
  ndcg: { original: number | null; unlearned: number | null; retrained: number | null };
  settings: Record<string, Json>;
  snapshot: Snapshot;
  /** What a snapshot does not hold: the mean loss of all sub-models, epoch by epoch, and how the clustering went. */
  curves?: { loss: readonly number[]; objective: readonly number[] };
}

/** What is kept of a snapshot with a run: nothing that names people who may be forgotten later. */
const unnamed = (s: Snapshot): Snapshot => ({ ...s, audit: s.audit && { ...s.audit, person: null }, sequence: null });

class Ledger {
  entries = $state.raw<readonly Entry[]>([]);
  /** Is the newest run kept in this browser? If not, why; null while nobody knows. */
  kept = $state.raw<{ problem: string | null } | null>(null);
  /** Two runs that are laid beside each other, by number. */
  pins = $state.raw<{ A: number | null; B: number | null }>({ A: null, B: null });
  A = $derived(this.entries.find((entry) => entry.number === this.pins.A) ?? null);
  B = $derived(this.entries.find((entry) => entry.number === this.pins.B) ?? null);
  #next = 1;

  /** Pins a run, or lets it go; one run is not both. */
  pin(as: "A" | "B", number: number): void {
    const other = as === "A" ? "B" : "A";
    this.pins = { ...this.pins, ...(this.pins[other] === number ? { [other]: null } : {}), [as]: this.pins[as] === number ? null : number };
  }

  add(entry: Omit<Entry, "number">): void {
    this.entries = [{ ...entry, snapshot: unnamed(entry.snapshot), number: this.#next++ }, ...this.entries].slice(0, 200);
  }

  /** What was measured of the newest run since. */
  refresh(snapshot: Snapshot): void {
    const [newest, ...rest] = this.entries;
    if (newest) this.entries = [{ ...newest, snapshot: unnamed(snapshot) }, ...rest];
  }

  bringBack(entries: readonly Entry[]): void {
    this.entries = entries;
    this.#next = 1 + Math.max(0, ...entries.map((e) => e.number));
  }

  clear(): void {
    this.entries = [];
    this.pins = { A: null, B: null };
    this.kept = null;
    this.#next = 1;
  }

  csv(): string {
    return csv(
      ["run", "what", "data", "partition", "shards", "combiner", "seed", "deletion", "shards touched", "seconds",
        "ndcg@20 original", "ndcg@20 unlearned", "ndcg@20 retrained"],
      this.entries.toReversed().map((e) => [
        e.number, e.what, e.data, e.method, e.shards, e.combine, e.seed, e.protocol, e.touched, e.seconds,
        e.ndcg.original, e.ndcg.unlearned, e.ndcg.retrained,
      ]),
    );
  }
}

export const ledger = new Ledger();
