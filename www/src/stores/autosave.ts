/**
 * Keeps the experiment in this browser after every finished run, so that a reload loses nothing. Of forgotten people
 * nothing is kept: the library's bytes hold none of their rows, their points are left out here, and what was kept before is
 * purged with them.
 */
import type { ErrorData } from "../client";
import { sentence } from "../lib/format";
import { drop, dropEarlier, keep, recall, restore } from "../lib/keep";
import { lab } from "./lab.svelte";
import { ledger, type Entry } from "./ledger.svelte";
import { settings } from "./settings.svelte";
import { stream } from "./stream.svelte";
import { ui } from "./ui.svelte";

const VERSION = 4;
/** Beyond this many bytes a save would be felt. */
const MOST = 256e6;

interface Words {
  version: number;
  link: string;
  dataName: string;
  isSample: boolean;
  entries: readonly Entry[];
}

export async function autosave(): Promise<void> {
  const { session, users } = lab;
  if (!session || lab.busy || !users) return;
  try {
    const { entries } = ledger;
    const there = new Set(users.handles);
    const places = Array.from(stream.handles.keys()).filter((place) => there.has(stream.handles[place]!));
    const words: Words = { version: VERSION, link: settings.link(), dataName: lab.dataName, isSample: lab.isSample, entries };
    await keep(session, {
      words,
      handles: Uint32Array.from(places, (place) => stream.handles[place]!),
      positions: Float32Array.from(places.flatMap((place) => [stream.positions![2 * place]!, stream.positions![2 * place + 1]!])),
    }, MOST);
    if (entries === ledger.entries) ledger.kept = { problem: null }; // else everything was cleared, or it will be called again
  } catch (error) {
    // A run that cannot be kept (no room, a private window) is still a run.
    ledger.kept = { problem: sentence((error as ErrorData).message).replace(/\.$/, "") };
  }
}

/** Brings back the last visit, if the address asks for the same thing or for nothing. */
export async function bringBack(hash: string): Promise<boolean> {
  if (!lab.session) return false;
  await dropEarlier();
  try {
    const kept = await recall<Words>(lab.session);
    if (!kept || kept.words.version !== VERSION || (hash && hash !== kept.words.link)) return false;
    const snapshot = await restore(lab.session);
    if (!snapshot) return false;
    settings.read(kept.words.link);
    lab.snapshot = snapshot;
    lab.everyone = lab.users = await lab.session.users();
    lab.dataName = kept.words.dataName;
    lab.isSample = kept.words.isSample;
    lab.raced = { unlearn: (snapshot.results.unlearned && snapshot.seconds.unlearn) ?? null, retrain: (snapshot.results.retrained && snapshot.seconds.retrain) ?? null };
    ledger.bringBack(kept.words.entries);
    ledger.kept = { problem: null };
    stream.forgetRecording();
    stream.place(kept.handles, kept.positions);
    stream.settle(lab.users);
    lab.activity = null;
    ui.show(lab.compared ? "compare" : "forget", false);
    ui.tell("This is where you left off. “Clear everything” is beside the ledger of runs.");
    return true;
  } catch {
    await drop(lab.session).catch(() => undefined);
    return false;
  }
}

/** After the session's worker died: what was kept last, or else the sample. */
export async function recover(): Promise<void> {
  while (lab.busy) await new Promise((wake) => setTimeout(wake, 20)); // whatever ran is told of it first
  if (await bringBack("")) {
    lab.failure = null; // it said that all was lost
    ui.tell("The recommender stopped and was started again, with the run that was kept last.", "bad");
  } else if (await lab.loadSample("small")) {
    ui.tell("The recommender stopped and was started again. No run was kept: load your data again. The sample is here meanwhile.", "bad");
  }
}
