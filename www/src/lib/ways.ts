/** A user's way to the shards' centres, as the partition decided it: lines, a small table and a sentence say the same. */
import type { Carriage } from "../stores/stream.svelte";
import { listed, percent } from "./format";

export interface Way {
  shard: number;
  distance: number;
  /** How much of the user goes there, 0 to 1. */
  share: number;
  /** Nearer than the user's own shard, which therefore was not free to choose. */
  nearer: boolean;
}

/** The K ways, the nearest first; null where nothing is known of the user, such as one who is forgotten. */
export function waysOf(carriage: Carriage, place: number, own: number): Way[] | null {
  const K = carriage.shards;
  const distances = carriage.distances.subarray(place * K, (place + 1) * K);
  if (distances.length < K || own >= K || Number.isNaN(distances[0])) return null;
  const ways = Array.from(distances, (distance, shard): Way => ({
    shard, distance, nearer: distance < distances[own]!,
    share: carriage.plan ? carriage.plan[place * K + shard]! / 255 : shard === own ? 1 : 0,
  }));
  return ways.sort((a, b) => a.distance - b.distance || a.shard - b.shard);
}

const times = (x: number) => `${x < 10 ? x.toFixed(x < 1.095 ? 2 : 1) : Math.round(x)}\u00d7`;

/** The sentence. `taken` says what keeps a nearer shard from taking more: it is "full", or only "crowded". */
export function wayWords(ways: readonly Way[], own: number, taken: string): string {
  const mine = ways.find((way) => way.shard === own)!;
  const parts = ways.filter((way) => way.share >= 0.01).sort((a, b) => b.share - a.share);
  const divided = parts.length > 1;
  const goes = divided
    ? `the plan carries ${listed(parts.map((way) => `${percent(way.share)} to shard ${way.shard + 1}`), 4)}; the user goes to shard ${own + 1}`
    : `all of this user goes to shard ${own + 1}`;
  const nearer = ways.filter((way) => way.nearer);
  if (nearer.length) {
    const names = `shard${nearer.length > 1 ? "s" : ""} ${listed(nearer.map((way) => way.shard + 1), 4)}`;
    return `${goes}; ${names} ${nearer.length > 1 ? "are" : "is"} nearer but ${taken}.`;
  }
  const next = ways.find((way) => way.shard !== own);
  if (!next) return `${goes}.`;
  const far = mine.distance > 0 ? `is ${times(next.distance / mine.distance)} as far` : "is farther";
  return `${goes}, the nearest; the next nearest centre, shard ${next.shard + 1}, ${far}.`;
}
