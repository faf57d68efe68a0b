/** What each lesson does to the page, and how it knows that a task is done. Texts stand in `text.ts`. */
import { metric, percent, plural, short } from "../lib/format";
import { basket } from "../stores/basket.svelte";
import { lab } from "../stores/lab.svelte";
import { settings } from "../stores/settings.svelte";
import { ui } from "../stores/ui.svelte";
import type { LessonId } from "./text";

export interface Task {
  /** A button that does it, for whoever wants a hand. */
  label?: string;
  run?: () => unknown;
  done: () => boolean;
}

export interface Hooks {
  /** What the lesson notes down on its way. */
  tasks: readonly Task[];
  /** What was seen, in figures of this very run. */
  see: () => string;
  /** As it begins, and as it is left. */
  on?: () => void;
  out?: () => void;
}

/** Figures noted between tasks; cleared when a lesson begins. */
class Notes {
  values = $state.raw<Record<string, number | string>>({});
  put(key: string, value: number | string): void {
    if (this.values[key] !== value) this.values = { ...this.values, [key]: value };
  }
  clear(): void { this.values = {}; }
  number(key: string): number { return Number(this.values[key] ?? NaN); }
  has(key: string): boolean { return Object.hasOwn(this.values, key); }
}
export const notes = new Notes();

const ndcg = () => lab.snapshot?.results.original?.metrics["ndcg@20"]?.mean ?? NaN;
const idle = () => !lab.busy;

async function change(path: string, value: string | number | boolean | null): Promise<void> {
  if (value === null) settings.clear(path);
  else settings.set(path, value);
  await lab.reconfigure();
  await lab.build();
}

/** The suggested person into the basket. */
function chooseOne(): void {
  const id = lab.users?.suggested;
  if (!id) return;
  basket.replace([id], "one person, chosen by hand");
  ui.person = id;
  ui.show("forget");
}

/** Below this many people against as many others a figure says little. */
const ENOUGH = 20;
/** The suggested person first, and others of all shards who are no anchors, so that the division stays. */
async function chooseMany(): Promise<void> {
  const first = lab.users?.suggested;
  if (!first) return;
  const others = (await random(130)).filter((id) => id !== first && !lab.isAnchor(id)).slice(0, 59);
  basket.replace([first, ...others], `${lab.firstName(first)} and ${others.length} others at random`);
  ui.show("forget");
}

/** People of one shard who are no anchors. */
function neighbours(most: number): string[] {
  const { ids, shard_of, anchors, suggested } = lab.users!;
  const home = shard_of[ids.indexOf(suggested ?? ids[0]!)];
  return ids.filter((_, i) => shard_of[i] === home && !anchors[i]).slice(0, most);
}

/** Somebody new who liked a few things. */
const NEWCOMER = "newcomer";
async function bring(): Promise<void> {
  const like = lab.users?.suggested ? await lab.session!.person(lab.users.suggested) : null;
  basket.bring({ name: NEWCOMER, rows: (like?.rows ?? []).slice(0, 6).map(({ item }) => ({ user: NEWCOMER, item })) });
  await lab.change(false);
}

export const HOOKS: Record<LessonId, Hooks> = {
  remember: {
    tasks: [
      { label: "Choose sixty for me", run: chooseMany, done: () => basket.users.length >= ENOUGH || !!lab.snapshot?.audit },
      { label: "Rehearse it", run: () => lab.audit(basket.request(true), basket.users[0] ?? null), done: () => !!lab.snapshot?.audit && idle() },
      { done: () => notes.has("guess") },
    ],
    see: () => {
      const auc = (name: string) => metric(lab.snapshot?.audit?.ensembles[name]?.auc.mean);
      const right = notes.values["guess"] === "original";
      return `${right ? "You could tell." : "That one never knew them."} Told apart with an AUC of ${auc("original")} before, ${auc("unlearned")} after, and ${auc("twin")} by the twin that never had them.`;
    },
    on: () => ui.show("forget"),
  },
  equal: {
    tasks: [
      { label: "Look at Divide", run: () => ui.show("divide"), done: () => { note("users", lab.snapshot?.partition?.work_ratio, balancedIn("users")); return notes.has("users") && (ui.view === "divide" || notes.has("rows")); } },
      { label: "Balance in rows", run: () => change("partition.balance", "interactions").then(() => ui.show("divide")), done: () => { note("rows", lab.snapshot?.partition?.work_ratio, balancedIn("interactions")); return notes.has("rows"); } },
    ],
    see: () => `With equally many people the largest shard had ${notes.number("users").toFixed(1)} times the rows of the smallest; balanced in rows, ${notes.number("rows").toFixed(2)} times.`,
  },
  longer: {
    tasks: [
      { label: "Note it", run: () => notes.put("short", ndcg()), done: () => notes.has("short") },
      { label: "Train to the end", run: () => change("model.epochs", null), done: () => { note("long", ndcg(), !Object.hasOwn(settings.changed, "model.epochs")); return notes.has("long"); } },
    ],
    see: () => `NDCG@20 after two epochs ${metric(notes.number("short"))}, after training that ended by itself ${metric(notes.number("long"))}.`,
    on: () => ui.show("train"),
  },
  ask: {
    tasks: [
      { label: "Note it", run: () => notes.put("own", ndcg()), done: () => notes.has("own") },
      { label: "Ask all shards", run: () => change("combine.method", "joint"), done: () => { note("joint", ndcg(), settings.value("combine.method") === "joint"); return notes.has("joint"); } },
    ],
    see: () => `Own shard alone: NDCG@20 ${metric(notes.number("own"))}. All shards: ${metric(notes.number("joint"))}.`,
    on: () => ui.show("train"),
  },
  neighbours: {
    tasks: [
      { label: "Choose 51 neighbours", run: () => { basket.replace(neighbours(51), "51 people of one shard"); ui.show("forget"); }, done: () => billed("near", 40) },
      { label: "Choose 30 at random", run: async () => { basket.replace(await random(30), "30 people at random"); ui.show("forget"); }, done: () => notes.has("near") && billed("far", 20) },
    ],
    see: () => `The neighbours touch ${plural(notes.number("near"), "shard")} (${percent(notes.number("near share"))} of the rows); thirty at random ${plural(notes.number("far"), "shard")} (${percent(notes.number("far share"))}).`,
    on: () => ui.show("forget"),
  },
  gone: {
    tasks: [
      { label: "Forget one for me", run: async () => { chooseOne(); await lab.change(false); }, done: () => !!lab.snapshot?.change },
      { label: "Make the twin", run: () => lab.check(), done: () => lab.ending !== null && idle() },
      { label: "Edit the receipt and read it", run: editReceipt, done: () => notes.has("refused") },
    ],
    see: () => {
      const shards = lab.snapshot?.shards ?? [];
      const equal = lab.ending === "nothing" ? "Every stage equals the twin’s, bit for bit" : "Not every stage equals the twin’s";
      return `${equal}: ${plural(shards.length, "sub-model")} compared by SHA-256. The edited receipt: “${notes.values["refused"]}”`;
    },
    on: () => ui.show("forget"),
  },
  shards: {
    tasks: [
      {
        label: "Measure", run: () => lab.measure("sweep", (session) => session.sweep({ shards: [2, 5, 10, 20, 40], combiners: ["joint"] }), "Measured."),
        done: () => { const at = point(40); note("ndcg", at, at !== null); return notes.has("ndcg") && idle(); },
      },
    ],
    see: () => `40 shards, asked jointly, have ${percent(notes.number("ndcg"), 1)} of one model’s NDCG@20, and one request trains on about a fortieth of the rows.`,
    on: () => ui.show("compare"),
  },
  adding: {
    tasks: [
      { label: "Add somebody", run: () => { notes.put("before", digest()); return bring(); }, done: () => notes.has("before") && (lab.users?.ids.includes(NEWCOMER) ?? false) || notes.has("after") },
      {
        label: "Forget them again", run: async () => { basket.replace([NEWCOMER], "one person, chosen by hand"); if (await lab.change(true)) notes.put("after", digest()); },
        done: () => notes.has("after") && idle(),
      },
    ],
    see: () => `Before ${short(String(notes.values["before"]))}, after ${short(String(notes.values["after"]))}: ${notes.values["before"] === notes.values["after"] ? "the same ensemble, to the bit." : "not the same."}`,
    on: () => ui.show("forget"),
  },
};

const balancedIn = (unit: string) => settings.value("partition.balance") === unit;
/** Are the figures on the page those of its settings? */
const current = () => idle() && lab.trained && !settings.unsaid && !settings.stale.length;
function note(key: string, value: number | null | undefined, when: boolean): void {
  if (when && current() && value !== null && value !== undefined && Number.isFinite(value) && !notes.has(key)) queueMicrotask(() => notes.put(key, value));
}

/** The bill of at least so many people, noted. */
function billed(key: string, least: number): boolean {
  const { plan } = basket;
  if (!notes.has(key) && plan && basket.planned === basket.stamp && basket.users.length >= least && (key === "near") === (basket.protocol === "51 people of one shard")) {
    const [touched, share] = [plan.touched.length, plan.rows_to_train / Math.max(1, plan.rows_full)];
    queueMicrotask(() => { notes.put(key, touched); notes.put(`${key} share`, share); });
  }
  return notes.has(key);
}

async function random(most: number): Promise<string[]> {
  const ids = await lab.session!.select({ how: "random", percent: Math.min(100, (100 * most) / Math.max(1, lab.users?.ids.length ?? 1)) });
  return ids.slice(0, most);
}

const digest = () => String(lab.snapshot?.digests.ensemble_after ?? lab.snapshot?.digests.ensemble_before ?? "");

/** Accuracy with so many shards, against one model's. */
function point(shards: number): number | null {
  const sweep = lab.snapshot?.sweep;
  const found = sweep?.points.find((p) => p.shards === shards && p.combiner === "joint");
  return found && sweep?.one ? found.ndcg.mean / sweep.one.ndcg.mean : null;
}

/** One digit of the newest receipt is another; the library's answer is noted. */
async function editReceipt(): Promise<void> {
  const text = (await lab.session?.receipts())?.at(-1);
  if (!text) return;
  const edited = text.replace(/\d(?=[^\d]*$)/, (digit) => String((Number(digit) + 1) % 10));
  try {
    await lab.session!.readReceipt(edited);
    notes.put("refused", "it was not noticed");
  } catch (error) {
    notes.put("refused", (error as Error).message);
  }
}
