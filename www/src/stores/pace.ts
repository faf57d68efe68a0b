/** How fast a run goes, and how long it took. */
import type { ModelConfig, Snapshot } from "../client";
import { seconds } from "../lib/format";
import { settings } from "./settings.svelte";
import { stream } from "./stream.svelte";

export const SPEEDS: readonly { label: string; steps: number | null }[] = [
  { label: "2 steps a second", steps: 2 },
  { label: "10 steps a second", steps: 10 },
  { label: "45 steps a second", steps: 45 },
  { label: "150 steps a second", steps: 150 },
  { label: "as fast as this machine can", steps: null },
];
/** Up to here single updates can be followed. */
export const SLOW = 1;
/** The sample runs at a pace that can be watched. */
export const SAMPLE_PACE = 2;
export const FULL = SPEEDS.length - 1;

/** Computing time of all sub-models: true however the run was paced. */
export const computing = (s: Snapshot) => s.shards.reduce((sum, shard) => sum + shard.seconds, 0);

/** Seconds from rows to a measured ensemble. */
export const total = (s: Snapshot) =>
  (["embed", "partition", "train", "combine", "evaluate"] as const).reduce((sum, k) => sum + (s.seconds[k] ?? 0), 0);

/** How long the stage that runs still takes, in words; null where nothing can be said. `model`: its settings, filled in; `after` follows a number. */
export function timeLeft(model: ModelConfig | null, after = ""): string | null {
  const cap = model && "epochs" in model && model.epochs ? model.epochs * ("refit" in model && model.refit ? 2 : 1) : null;
  const left = stream.left(cap);
  if (left) return `${left.most ? "at most " : ""}${seconds(left.seconds)}${after}`;
  const p = stream.progress;
  return p?.stage === "train" && p.done === 0 && !settings.modelCard(model?.name)?.additive ? "timing the first shard" : null;
}
