/** The experiment as the page sees it: the session, its newest snapshot, and the actions that drive it. */
import type { Activity as Asked, Mode, PartitionView, Request, ReadChoice, ReadConfig, ReadReport, Sequence, Session, ErrorData, Size, Snapshot, SweepPoint, UsersView } from "../client";
import { listed, plural, seconds, sentence } from "../lib/format";
import { drop, wipe } from "../lib/keep";
import { at } from "../lib/link";
import { START } from "../lib/start";
import { basket } from "./basket.svelte";
import { ledger } from "./ledger.svelte";
import { FULL, SAMPLE_PACE, SPEEDS, total } from "./pace";
import { settings } from "./settings.svelte";
import { stream } from "./stream.svelte";
import { traffic } from "./traffic.svelte";
import { ui } from "./ui.svelte";

export type Activity = "open" | "load" | "build" | "forget" | "compare" | "check" | "beside" | "audit" | "sequence" | Measuring;
/** Figures beside the run on show: other ensembles, the errors taken apart, the sweep. */
export type Measuring = "baselines" | "decompose" | "sweep";
/** Computing seconds up to which the twin is made without being asked for. */
const AT_ONCE = 20;
/** A person's card as it was, in this page's memory only. */
export interface Torn { name: string; rows: number; liked: string[]; answer: string | null }

class Lab {
  session: Session | null = null;
  snapshot = $state.raw<Snapshot | null>(null);
  users = $state.raw<UsersView | null>(null);
  /** Users as they were loaded: the map's points, forgotten ones included. */
  everyone = $state.raw<UsersView | null>(null);
  reports = $state.raw<ReadReport[]>([]);
  forgotten = $state.raw<ReadonlySet<number>>(new Set());
  activity = $state<Activity | null>("open");
  paused = $state(false);
  speed = $state(SAMPLE_PACE);
  /** Did the person choose the pace? Requests otherwise run at full speed, so that their times are true. */
  #paced = false;
  /** Was the last build slowed down to be watched? Then its wall time says nothing. */
  slowed = $state(false);
  /** Was one side of the race? Then their times do not compare. */
  watched = $state(false);
  dataName = $state("");
  isSample = $state(true);
  /** The run's failure, in words, and the part of the page it belongs to. */
  failure = $state.raw<{ at: Activity; message: string } | null>(null);
  /** Curves and times of the last race, kept until the next request. */
  raced = $state.raw<{ unlearn: number | null; retrain: number | null }>({ unlearn: null, retrain: null });
  /** Why a partition could not be made beside the others, by method. */
  besideFailed = $state.raw<Record<string, string>>({});
  /** Who left last, if it was one person: what the page showed of them. Kept nowhere. */
  torn = $state.raw<Torn | null>(null);
  /** Users of the last request, for whoever wants to repeat it. Kept nowhere. */
  requested = $state.raw<readonly string[]>([]);
  /** How many people the request that is carried out is about. */
  leaving = $state(0);
  /** Requests that the last series carried out, or 1. */
  inSeries = $state(1);
  workers = $state(1);
  /** The division that was read from a file, and why another could not be. */
  given = $state.raw<{ name: string; users: number; shards: number } | null>(null);
  givenProblem = $state<string | null>(null);

  busy = $derived(this.activity !== null);
  /** Is something worked out that is not what the page shows? */
  behind = $derived(["check", "beside", "audit", "baselines", "decompose", "sweep"].includes(this.activity ?? ""));
  /** Do the cards show what came of the last request? Not while one is being carried out or everything is made anew. */
  settled = $derived(this.activity === null || this.activity === "compare" || this.behind);
  trained = $derived(this.snapshot?.phase === "trained" || this.snapshot?.phase === "compared");
  compared = $derived(!!this.snapshot?.results.retrained && !!this.snapshot?.results.unlearned);
  /** What becomes of the partition at a request: it follows from the partition itself, or is the person's choice. */
  mode = $derived<Mode>(basket.refit ? "refit" : "frozen");
  handleOf = $derived(new Map(this.everyone?.ids.map((id, i) => [id, this.everyone!.handles[i]!]) ?? []));
  /** What the twin says of the last change: null until it was made. */
  ending = $derived.by((): "nothing" | "tainted" | "defect" | null => {
    const twin = this.snapshot?.change ? this.snapshot.twin : [];
    if (!twin.length) return null;
    if (twin.some((stage) => stage.finding === "defect")) return "defect";
    return twin.every((stage) => stage.equal) ? "nothing" : "tainted";
  });
  #rowById = $derived(new Map(this.everyone?.ids.map((id, i) => [id, i]) ?? []));
  rowOf = $derived(new Map(this.everyone?.handles.map((h, i) => [h, i]) ?? []));

  /** An invented name where there is one, else the id. */
  nameOf(id: string): string {
    return this.everyone?.names[this.#rowById.get(id) ?? -1] ?? id;
  }

  firstName(id: string): string {
    const name = this.nameOf(id);
    return name === id ? id : name.split(" ")[0]!;
  }

  /** Does the division rest on this person? */
  isAnchor(id: string): boolean {
    return this.everyone?.anchors[this.#rowById.get(id) ?? -1] ?? false;
  }

  attach(session: Session): void {
    this.session = session;
    this.workers = session.workers;
    session.on((event) => {
      // The twin and other partitions are worked out behind the page: their clusters and curves are not those on show.
      if (!this.behind || event.kind === "stage" || event.kind === "worker") stream.accept(event);
      if (event.kind === "stage" && ui.follow && this.activity === "build") {
        ui.show(event.stage === "partition" ? "divide" : event.stage === "train" || event.stage === "combine" || event.stage === "evaluate" ? "train" : "data", false);
      }
      if (event.kind === "divided" && this.snapshot && this.activity === "build") this.snapshot = { ...this.snapshot, partition: event.partition };
      if (event.kind === "trained" && this.snapshot && event.pipeline !== "retrained" && event.pipeline !== "twin") this.#shard(event.shard.shard, event);
      if (event.kind === "swept" && this.snapshot) this.#swept(event.point);
      if (event.kind === "state") this.paused = event.paused;
      if (event.kind === "worker" && event.state === "lost") ui.tell("A worker stopped and was replaced; its job runs again.");
      // What fails during an activity is told where that activity is shown.
      if (event.kind === "error" && this.activity === null) ui.tell(sentence(event.error.message), "bad");
    });
  }

  /** A sweep's curve grows point by point. */
  #swept(point: SweepPoint): void {
    const now = this.snapshot!.sweep ?? { one: null, ones: [], points: [] };
    const same = (p: SweepPoint) => p.shards === point.shards && p.combiner === point.combiner && p.partition === point.partition;
    const put = (list: SweepPoint[]) => [...list.filter((p) => !same(p)), point];
    const better = point.shards === 1 && point.ndcg.mean >= (now.one?.ndcg.mean ?? 0);
    const sweep = point.shards === 1 ? { ...now, ones: put(now.ones), one: better ? point : now.one } : { ...now, points: put(now.points) };
    this.snapshot = { ...this.snapshot!, sweep };
  }

  #shard(k: number, event: { shard: Snapshot["shards"][number] }): void {
    const shards = [...this.snapshot!.shards];
    const place = shards.findIndex((s) => s.shard === k);
    if (place >= 0) shards[place] = event.shard;
    else shards.push(event.shard);
    this.snapshot = { ...this.snapshot!, shards };
  }

  async #run<T>(activity: Activity, work: (session: Session) => Promise<T>): Promise<T | null> {
    if (!this.session || (this.activity !== null && this.activity !== "open")) return null;
    this.activity = activity;
    this.failure = null;
    try {
      return await work(this.session);
    } catch (error) {
      const { code, message } = error as ErrorData;
      if (code === "cancelled") ui.tell("Cancelled. Everything is as it was before.");
      else this.failure = { at: activity, message: sentence(message) };
      this.snapshot = await this.session.snapshot().catch(() => this.snapshot);
      return null;
    } finally {
      this.activity = null;
      // Whoever stepped to the very end of a run does not want the next one to begin paused.
      if (this.session.paused) this.session.resume();
      this.paused = false;
    }
  }

  async loadSample(size: Size): Promise<boolean> {
    const filtered = !this.isSample && settings.value("k_core");
    if (filtered) settings.clear("k_core"); // it was chosen for other rows
    return this.#load(`${size} sample`, `sample:${size}`, true, async (s) => {
      if (filtered) await s.configure({ k_core: 0 });
      return s.loadSample(size, Number(settings.value("seed") ?? 1));
    });
  }

  async loadFiles(
    input: ({ data: File } | { train: File; test: File }) & { titles?: File }, read: ReadChoice | undefined,
    onProgress: (bytes: number, total: number) => void,
  ): Promise<boolean> {
    const name = "data" in input ? input.data.name : `${input.train.name} + ${input.test.name}`;
    const done = await this.#load(name, `file:${name}`, false, (s) => s.load(input, read, { onProgress: ({ done, total }) => onProgress(done, total) }));
    const first: Partial<ReadConfig> = (Array.isArray(read) ? read[0] : read) ?? {};
    if (done) settings.set("k_core", first.k_core ?? 0);
    return done;
  }

  async #load(name: string, data: string, sample: boolean, load: (s: Session) => Promise<unknown>): Promise<boolean> {
    const done = await this.#run("load", async (session) => {
      await load(session);
      this.snapshot = await session.snapshot();
      this.everyone = this.users = await session.users();
      this.reports = await session.report();
      return true;
    });
    if (!done) return false;
    traffic.loaded();
    this.dataName = name;
    this.isSample = sample;
    this.given = null; // it named the users of other rows
    this.givenProblem = null;
    settings.data = data;
    settings.stale = [];
    this.forgotten = new Set();
    this.raced = { unlearn: null, retrain: null };
    this.torn = null;
    basket.empty();
    stream.reset("all");
    ui.person = null;
    ui.hovered = -1;
    if (!sample) this.setSpeed(FULL, false);
    ui.say(`${name}: ${plural(this.snapshot!.data!.users, "user")} and ${plural(this.snapshot!.data!.items, "item")} read.`);
    return true;
  }

  /** Divide, train and evaluate with the settings as they are. */
  async build(): Promise<boolean> {
    const done = await this.#run("build", async (session) => {
      const asked = settings.changed;
      await session.configure(settings.patch());
      settings.unsaid = settings.changed !== asked;
      settings.model = (await session.snapshot()).model;
      // A run is shown from its beginning, also where nothing changed since the last one. One that was cut off goes on.
      if (this.trained) await session.restart();
      stream.reset("pipelines");
      ui.follow = true;
      session.setSpeed(SPEEDS[this.speed]!.steps);
      this.slowed = SPEEDS[this.speed]!.steps !== null;
      this.snapshot = { ...this.snapshot!, partition: null, shards: [], results: {}, change: null };
      this.snapshot = await session.build();
      this.everyone = this.users = await session.users();
      stream.settle(this.users);
      return true;
    });
    if (!done) return false;
    settings.stale = [];
    this.torn = null;
    this.forgotten = new Set();
    this.raced = { unlearn: null, retrain: null };
    this.#enter("built", "", null, this.slowed ? null : total(this.snapshot!));
    ui.show("forget", false);
    ui.say(`Trained: ${plural(this.snapshot!.shards.length, "sub-model")}. Choose users to forget.`);
    return true;
  }

  /** Carries the basket out. */
  async change(confirmed: boolean): Promise<boolean> {
    const [change, protocol] = [basket.change(confirmed), basket.protocol];
    const leaving = basket.users.map((id) => this.handleOf.get(id)).filter((h) => h !== undefined);
    const watched = this.watched;
    const whole = basket.users.length === basket.size;
    const alone = whole && basket.users.length === 1 ? basket.users[0]! : null;
    const card = alone ? await this.#card(alone) : null;
    const torn = this.torn;
    this.leaving = leaving.length;
    const done = await this.#run("forget", async (session) => {
      this.torn = card;
      ui.follow = true;
      ui.show("forget", false);
      stream.reset("unlearned");
      stream.reset("retrained");
      this.watched = this.#hurry(session);
      this.snapshot = await session.apply({ ...change, mode: this.mode });
      await this.#dropKept(session);
      // Asked once more, the library has to say that nobody of that id is there.
      if (alone && card) this.torn = { ...card, answer: await session.person(alone).then(() => null, (error: Error) => sentence(error.message)) };
      this.users = await session.users();
      this.everyone = joined(this.everyone!, this.users);
      stream.settle(this.users);
      return true;
    });
    if (!done) {
      this.watched = watched;
      this.torn = torn;
      return false;
    }
    this.inSeries = 1;
    this.requested = change.forget.users ?? [];
    this.forgotten = new Set([...this.forgotten, ...leaving]);
    stream.drop(this.forgotten);
    basket.empty();
    this.raced = { unlearn: this.snapshot!.seconds.unlearn ?? null, retrain: null };
    const touched = this.snapshot!.change?.touched_shards ?? [];
    this.#enter("forgot", protocol, touched.length, this.watched ? null : this.raced.unlearn);
    ui.say(`${leaving.length || !change.add.length ? "Forgotten" : "Added"}. Shards trained again: ${listed(touched.map((k) => k + 1), 12)}, in ${seconds(this.raced.unlearn)}.`);
    // The story ends with the proof. Where that takes long it is offered instead.
    if ((this.snapshot!.work.built.seconds || Infinity) / Math.max(1, this.workers) < AT_ONCE) void this.check();
    return true;
  }

  async #card(id: string): Promise<Torn | null> {
    const person = await this.session?.person(id).catch(() => null);
    if (!person) return null;
    const liked = person.rows.filter((row) => !row.test).toSorted((a, b) => b.value - a.value).slice(0, 3).map((row) => row.title || row.item);
    return { name: person.name, rows: person.rows.length, liked, answer: null };
  }

  async compare(): Promise<boolean> {
    const watched = this.watched;
    const done = await this.#run("compare", async (session) => {
      ui.follow = true;
      ui.show("compare", false);
      stream.reset("retrained");
      this.watched = this.#hurry(session) || this.watched;
      this.snapshot = await session.compare();
      return true;
    });
    if (!done) {
      this.watched = watched;
      return false;
    }
    this.raced = { unlearn: this.snapshot!.seconds.unlearn ?? null, retrain: this.snapshot!.seconds.retrain ?? null };
    this.#enter("compared", ledger.entries[0]?.protocol ?? "", this.snapshot!.change?.touched_shards.length ?? null, this.watched ? null : this.raced.retrain);
    ui.show("compare", false);
    return true;
  }

  /** What an attacker could tell before and after this request, without carrying it out. */
  async audit(request: Request, person: string | null): Promise<boolean> {
    const done = await this.#run("audit", async (session) => {
      this.#hurry(session);
      this.snapshot = await session.run({ audit: { change: { forget: request, add: [] }, mode: this.mode, person } } as Asked);
      return true;
    });
    if (done) ledger.refresh(this.snapshot!);
    const auc = this.snapshot?.audit?.ensembles["unlearned"]?.auc.mean;
    if (done && auc !== undefined) ui.say(`Rehearsed. After the request forgotten people would be told apart with an AUC of ${auc.toFixed(2)}.`);
    return !!done;
  }

  /** Requests one after another; those that were carried out stay, also when it is cancelled or one is refused. */
  async sequence(sequence: Sequence, twin: boolean): Promise<boolean> {
    const done = await this.#run("sequence", async (session) => {
      stream.reset("unlearned");
      stream.reset("retrained");
      this.watched = this.#hurry(session);
      this.snapshot = await session.sequence(sequence, this.mode, twin);
      return true;
    });
    this.inSeries = this.snapshot?.sequence?.steps.length ?? 1;
    this.torn = null;
    await this.#settleForgotten("one by one");
    return !!done;
  }

  /** After requests: who is gone, by what the library still holds. */
  async #settleForgotten(protocol: string): Promise<void> {
    if (!this.session || !this.everyone) return;
    const users = await this.session.users().catch(() => null);
    if (!users || users.ids.length === (this.users?.ids.length ?? 0)) return;
    this.users = users;
    await this.#dropKept(this.session);
    const left = new Set(users.handles);
    this.forgotten = new Set(this.everyone.handles.filter((handle) => !left.has(handle)));
    stream.drop(this.forgotten);
    stream.settle(users);
    basket.empty();
    this.raced = { unlearn: this.snapshot!.seconds.unlearn ?? null, retrain: null };
    this.#enter("forgot", protocol, this.snapshot!.change?.touched_shards.length ?? null, this.watched ? null : this.raced.unlearn);
  }

  /** The pipeline from rows that never held the forgotten, to compare with hash for hash. */
  async check(): Promise<boolean> {
    const done = await this.#run("check", async (session) => {
      session.setSpeed(null); // nobody watches it train
      this.snapshot = await session.twin();
      return true;
    });
    if (done) {
      ledger.refresh(this.snapshot!);
      const equal = this.snapshot!.twin.filter((stage) => stage.equal).length;
      ui.say(this.ending === "nothing" ? "Compared with the twin: equal at every stage. Nothing of the forgotten is left." : `Compared with the twin: ${equal} of ${this.snapshot!.twin.length} stages are equal.`);
    }
    return !!done;
  }

  /** Works out further figures and leaves what is on show as it is. A cancelled sweep keeps its points. */
  async measure(what: Measuring, work: (session: Session) => Promise<Snapshot>, said: string): Promise<void> {
    const done = await this.#run(what, async (session) => {
      session.setSpeed(null);
      this.snapshot = await work(session);
      return true;
    });
    if (!done) return;
    ledger.refresh(this.snapshot!);
    ui.say(said);
  }

  /** Every other way to divide the rows, as far as the partition, with the settings as they are. */
  async divideBeside(methods: readonly Method[]): Promise<void> {
    this.besideFailed = {};
    const done = await this.#run("beside", async (session) => {
      session.setSpeed(null); // times are compared
      const { partition, model, combine } = (await session.snapshot()).settings;
      for (const method of methods) {
        const beside = { name: besideName(method), partition: settings.dividing(method, partition), model, combine, until: "partition" as const };
        try {
          this.snapshot = await session.run({ beside } as Asked);
        } catch (error) {
          if ((error as ErrorData).code === "cancelled") throw error;
          this.besideFailed = { ...this.besideFailed, [method]: sentence((error as ErrorData).message) };
        }
      }
      return true;
    });
    if (done) ui.say(`${plural(methods.length, "partition")} made beside the one on show.`);
  }

  #enter(what: "built" | "forgot" | "compared", protocol: string, touched: number | null, took: number | null): void {
    const s = this.snapshot!;
    const ndcg = (pipeline: string) => s.results[pipeline]?.metrics["ndcg@20"]?.mean ?? null;
    ledger.add({
      what, protocol, touched, seconds: took, data: this.dataName,
      method: s.partition?.method ?? "", shards: s.partition?.shards ?? 0,
      combine: String(at(s.settings, "combine.method") ?? ""), seed: s.settings.seed ?? 0,
      ndcg: { original: ndcg("original"), unlearned: ndcg("unlearned"), retrained: ndcg("retrained") },
      settings: settings.changed, snapshot: s, curves: stream.summary(),
    });
  }

  /** Tells the library the settings, to learn which results they make stale. */
  async reconfigure(): Promise<void> {
    if (!this.session || this.busy) return;
    try {
      const asked = settings.changed;
      settings.stale = await this.session.configure(settings.patch());
      settings.unsaid = settings.changed !== asked;
      settings.model = (await this.session.snapshot()).model;
      settings.problem = null;
    } catch (error) {
      settings.problem = sentence((error as ErrorData).message);
    }
  }

  /** A division from a file of user,shard lines; gives how many shards it needs, or null if it cannot be used. */
  async readAssignmentFile(file: File): Promise<number | null> {
    if (!this.session || this.busy) return null;
    try {
      this.given = { name: file.name, ...(await this.session.readAssignmentFile(file)) };
      this.givenProblem = null;
      return this.given.shards;
    } catch (error) {
      this.givenProblem = `${file.name}: ${sentence((error as ErrorData).message)}`;
      return null;
    }
  }

  async replan(): Promise<void> {
    if (this.busy) return; // the bill of the request that is being carried out stays
    if (!this.session || !this.trained || basket.size === 0) {
      basket.plan = null;
      basket.planError = null;
      return;
    }
    const asked = basket.stamp;
    const mode = this.mode;
    try {
      const plan = await this.session.plan({ ...basket.change(), mode });
      if (asked === basket.stamp && mode === this.mode) {
        basket.plan = plan;
        basket.planned = asked;
        basket.planError = null;
      }
    } catch (error) {
      basket.plan = null;
      basket.planError = sentence((error as ErrorData).message);
    }
  }

  /** Wipes what this page keeps in the browser and in memory, and starts afresh with the sample. */
  async clearEverything(): Promise<void> {
    if (!this.session) return;
    if (this.busy) await this.cancel();
    ledger.clear();
    basket.empty();
    settings.reset();
    ui.theme = "system";
    let others = 0;
    try {
      others = await wipe(this.session);
    } catch (error) {
      return ui.tell(`Not everything could be cleared: ${sentence((error as ErrorData).message)}`, "bad");
    }
    const elsewhere = others ? ` ${plural(others, "other tab")} of this page keep${others === 1 ? "s" : ""} what is theirs: clear it there.` : "";
    ui.tell(`Cleared: runs, settings, data and everything kept in this browser.${elsewhere}`);
    settings.read(START);
    if (await this.loadSample("medium")) await this.build();
  }

  /** What was kept before a request holds whom it forgot. */
  async #dropKept(session: Session): Promise<void> {
    ledger.kept = null;
    await drop(session).catch((error: ErrorData) => ui.tell(`What was kept before could not be purged: ${sentence(error.message)} Press “Clear everything” beside the ledger.`, "bad"));
  }

  #hurry(session: Session): boolean {
    const steps = this.#paced ? SPEEDS[this.speed]!.steps : null;
    session.setSpeed(steps);
    return steps !== null;
  }

  setSpeed(index: number, byHand = true): void {
    this.speed = index;
    this.#paced = byHand;
    if (this.busy && SPEEDS[index]!.steps !== null) {
      if (this.activity === "forget" || this.activity === "compare" || this.activity === "sequence") this.watched = true;
      else this.slowed = true;
    }
    this.session?.setSpeed(SPEEDS[index]!.steps);
  }

  toggleSlow(): void {
    if (this.speed === 0) this.setSpeed(this.isSample ? SAMPLE_PACE : FULL, false);
    else this.setSpeed(0);
  }

  /** Play: continue if paused, pause if running, run if idle. */
  async play(): Promise<void> {
    if (this.busy) {
      if (this.paused) this.session?.resume();
      else this.session?.pause();
    } else await this.build();
  }

  step(): void {
    if (!this.busy) return;
    if (!this.paused) this.session?.pause();
    this.session?.step();
  }

  async cancel(): Promise<void> {
    if (this.paused) this.session?.resume();
    await this.session?.cancel();
  }
}

/** Those who were there, and those who came. */
function joined(before: UsersView, now: UsersView): UsersView {
  const known = new Set(before.handles);
  const fresh = now.handles.flatMap((handle, at) => (known.has(handle) ? [] : [at]));
  const both = <T>(old: T[], list: T[]) => [...old, ...fresh.map((at) => list[at]!)];
  return {
    names: now.names.length ? both(before.names, now.names) : [], anchors: now.anchors.length ? both(before.anchors, now.anchors) : [],
    suggested: now.suggested, ids: both(before.ids, now.ids), train_rows: both(before.train_rows, now.train_rows),
    handles: both(before.handles, now.handles), shard_of: both(before.shard_of, now.shard_of),
  };
}

export type Method = PartitionView["method"];
/** What the experiment calls a partition that is only compared. */
export const besideName = (method: Method): string => `partition ${method}`;

export const lab = new Lab();
