/**
 * Keeps the experiment in this browser after every finished run, so that a reload loses nothing. Of forgotten people
 * nothing is kept: the library's bytes hold none of their rows, and their points are left out here.
 */
import { keep, recall, wipe } from "../lib/keep";
import { lab } from "./lab.svelte";
import { ledger, type Entry } from "./ledger.svelte";
import { settings } from "./settings.svelte";
import { stream } from "./stream.svelte";
import { ui } from "./ui.svelte";

const VERSION = 1;
/** Beyond this many bytes a save would be felt. */
const MOST = 256e6;

interface Kept {
  version: number;
  link: string;
  bytes: Uint8Array;
  dataName: string;
  isSample: boolean;
  handles: Uint32Array;
  positions: Float32Array;
  entries: readonly Entry[];
}

export async function autosave(): Promise<void> {
  if (!lab.session || lab.busy || !lab.users) return;
  try {
    const bytes = await lab.session.save();
    if (bytes.length > MOST || lab.busy) return;
    const there = new Set(lab.users.handles);
    const places = Array.from(stream.handles.keys()).filter((place) => there.has(stream.handles[place]!));
    const kept: Kept = {
      version: VERSION, link: settings.link(), bytes, dataName: lab.dataName, isSample: lab.isSample,
      handles: Uint32Array.from(places, (place) => stream.handles[place]!),
      positions: Float32Array.from(places.flatMap((place) => [stream.positions![2 * place]!, stream.positions![2 * place + 1]!])),
      entries: plain(ledger.entries),
    };
    await keep(kept);
  } catch {
    // A run that cannot be kept (no room, a private window) is still a run.
  }
}

/** Plain copies: what is stored must be cloneable. */
const plain = (entries: readonly Entry[]): Entry[] => JSON.parse(JSON.stringify(entries)) as Entry[];

/** Brings back the last visit, if the address asks for the same thing or for nothing. */
export async function bringBack(hash: string): Promise<boolean> {
  const kept = await recall<Kept>();
  if (!kept || kept.version !== VERSION || !lab.session || (hash && hash !== kept.link)) return false;
  try {
    const snapshot = await lab.session.restore(kept.bytes);
    settings.read(kept.link);
    lab.snapshot = snapshot;
    lab.everyone = lab.users = await lab.session.users();
    lab.dataName = kept.dataName;
    lab.isSample = kept.isSample;
    lab.raced = { unlearn: (snapshot.results.unlearned && snapshot.seconds.unlearn) ?? null, retrain: (snapshot.results.retrained && snapshot.seconds.retrain) ?? null };
    ledger.bringBack(kept.entries);
    stream.place(kept.handles, kept.positions);
    stream.settle(lab.users);
    lab.activity = null;
    ui.show(lab.compared ? "compare" : "forget", false);
    ui.tell("This is where you left off. “Clear everything” is beside the ledger of runs.");
    return true;
  } catch {
    await wipe();
    return false;
  }
}

export { wipe };
