/**
 * What happens while a run goes on: curves, clusters, lanes. Events arrive by the thousand, so they land in plain arrays
 * and the page redraws once a frame, when `frame` changes.
 */
import type { Recorded } from "../lib/recorded";
import { spread } from "../lib/spread";
import type { ClusterEvent, SessionEvent, Stage, TransportEvent, UpdateTrace } from "../client";

/** `refit`: where the second fit, on validation rows as well, begins. */
export interface Curve { loss: number[]; metric: (number | null)[]; refit: number | null; done: boolean }
export interface Iteration {
  restart: number; iteration: number; objective: number; moves: number; users: number[]; rows: number[];
}
/** How users are carried to the centres: a row of `shards` numbers per placed user. */
export interface Carriage {
  shards: number;
  distances: Float32Array;
  /** Shares of 255, or null where each user goes to one shard as a whole. */
  plan: Uint8Array | null;
}
export interface LaneSpan { worker: number; label: string; shard: number | null; from: number; to: number | null }
/** An estimate, or the most that it can be. */
export interface Left { seconds: number; most: boolean }
export interface Progress { pipeline: string; stage: Stage; done: number; total: number }

const ORDER: readonly Stage[] = ["embed", "partition", "train", "combine", "evaluate"];

/** Milliseconds that a step of a recording is shown, and its end. */
const STEP = 150, REST = 2500;

class Stream {
  /** Changes at most once a frame; read it to redraw. */
  frame = $state(0);
  /** Changes when the map's points themselves change. */
  mapVersion = $state(0);

  embedding: number[] = [];
  /** x, y of each placed user, -1 to 1; a placed user's number is its place here, its handle stands beside it. */
  positions: Float32Array | null = null;
  handles: Uint32Array = new Uint32Array(0);
  /** Rows of each placed user while only a recording is shown; null as soon as a run has places of its own. */
  recordedRows: Uint16Array | null = null;
  /** Shard of each placed user. */
  shardOf: Uint16Array | null = null;
  previousShardOf: Uint16Array | null = null;
  shardsChangedAt = 0;
  centroids: number[] = [];
  carriage: Carriage | null = null;
  iterations: Iteration[] = [];
  curves = new Map<string, Map<number, Curve>>();
  progress: Progress | null = null;
  /** The newest update that was shown with its numbers. */
  update: { shard: number; epoch: number; refit: boolean; trace: UpdateTrace } | null = null;
  lanes: LaneSpan[] = [];
  startedAt = 0;
  updates: { at: number; n: number }[] = [];
  stageSince = 0;

  #heldAt: number | null = null; // paused since
  #queued = false;
  #drawnAt = 0;

  reset(parts: string): void {
    this.progress = null;
    this.update = null;
    this.lanes = [];
    this.updates = [];
    this.startedAt = performance.now();
    // A recording stays until the run that it is of has places of its own.
    if (parts === "all" && !this.recordedRows) {
      this.positions = null;
      this.handles = new Uint32Array(0);
      this.shardOf = null;
      this.previousShardOf = null;
      this.embedding = [];
      this.mapVersion++;
    }
    if (parts === "all" || parts === "pipelines") {
      this.embedding = [];
      this.iterations = [];
      this.centroids = [];
      this.carriage = null;
      this.curves = new Map();
    } else {
      this.curves.delete(parts);
    }
    this.touch();
  }

  curve(pipeline: string, shard: number): Curve {
    let pipelines = this.curves.get(pipeline);
    if (!pipelines) this.curves.set(pipeline, (pipelines = new Map()));
    let curve = pipelines.get(shard);
    if (!curve) pipelines.set(shard, (curve = { loss: [], metric: [], refit: null, done: false }));
    return curve;
  }

  accept(event: SessionEvent): void {
    const now = performance.now();
    switch (event.kind) {
      case "embedding":
        if (event.sweep <= 1) this.embedding = [];
        this.embedding.push(event.loss);
        break;
      case "positions":
        this.recordedRows = null;
        this.positions = new Float32Array(copy(event.xy));
        this.handles = new Uint32Array(copy(event.handles));
        this.mapVersion++;
        break;
      case "cluster":
        this.#cluster(event, now);
        break;
      case "transport":
        this.#carry(event);
        break;
      case "epoch": {
        const curve = this.curve(event.pipeline, event.shard);
        if (event.refit) curve.refit ??= curve.loss.length;
        if (event.trace) this.update = { shard: event.shard, epoch: event.epoch, refit: event.refit, trace: event.trace };
        curve.loss.push(event.loss);
        curve.metric.push(event.metric ?? null);
        this.updates.push({ at: now, n: event.updates });
        if (this.updates.length > 400) this.updates.splice(0, 200);
        break;
      }
      case "trained":
        this.curve(event.pipeline, event.shard.shard).done = true;
        break;
      case "stage":
        if (!this.progress || this.progress.stage !== event.stage || this.progress.pipeline !== event.pipeline) this.stageSince = now;
        this.progress = event;
        break;
      case "worker":
        this.#lane(event, now);
        break;
      case "state":
        if (event.paused) this.#heldAt ??= now;
        else if (this.#heldAt !== null) {
          this.stageSince += now - this.#heldAt;
          this.#heldAt = null;
        }
        break;
      default:
        return;
    }
    this.touch();
  }

  #cluster(event: ClusterEvent, now: number): void {
    const next = new Uint16Array(copy(event.shard_of));
    this.previousShardOf = this.shardOf && this.shardOf.length === next.length ? this.shardOf : null;
    this.shardOf = next;
    this.shardsChangedAt = now;
    this.centroids = event.centroids_xy;
    // The library counts from 1, and a partition made in one go is 0.
    const iteration = Math.max(1, event.iteration) - 1;
    if (event.restart === 0 && iteration === 0) this.iterations = [];
    this.iterations.push({
      restart: event.restart, iteration, objective: event.objective, moves: event.moves,
      users: event.users_per_shard, rows: event.rows_per_shard,
    });
  }

  #carry(event: TransportEvent): void {
    const plan = event.plan.length ? new Uint8Array(copy(event.plan)) : null;
    this.carriage = { shards: event.shards, distances: new Float32Array(copy(event.distances)), plan };
  }

  /** What is shown of forgotten people's way to the centres goes with them. */
  drop(handles: ReadonlySet<number>): void {
    if (!this.carriage) return;
    const { shards, distances, plan } = this.carriage;
    this.handles.forEach((handle, place) => {
      if (!handles.has(handle)) return;
      distances.fill(NaN, place * shards, (place + 1) * shards);
      plan?.fill(0, place * shards, (place + 1) * shards);
    });
    this.touch();
  }

  #lane(event: Extract<SessionEvent, { kind: "worker" }>, now: number): void {
    const open = this.lanes.findLast((span) => span.worker === event.worker && span.to === null);
    if (open) open.to = now;
    if (event.state === "busy") {
      const shard = event.job?.shard ?? null;
      this.lanes.push({ worker: event.worker, label: event.job?.stage ?? "work", shard, from: now, to: null });
      if (this.lanes.length > 600) this.lanes.splice(0, 200);
    }
  }

  /** A recording, step by step and again, until the run itself is there; without motion only how it ends. */
  play({ handles, positions, rows, steps }: Recorded, still: boolean): void {
    if (this.positions) return;
    this.recordedRows = rows;
    this.place(handles, positions);
    let at = still ? steps.length - 1 : 0;
    const show = () => {
      if (this.recordedRows !== rows) return;
      this.previousShardOf = this.shardOf;
      this.shardOf = steps[at]!;
      this.shardsChangedAt = performance.now();
      this.touch();
      if (still) return;
      const last = at === steps.length - 1;
      at = last ? 0 : at + 1;
      setTimeout(show, last ? REST : STEP);
    };
    show();
  }

  /** Points known from before. */
  place(handles: Uint32Array, positions: Float32Array): void {
    this.handles = handles;
    this.positions = positions;
    this.mapVersion++;
  }

  /** Something else than what was recorded is read. */
  forgetRecording(): void {
    this.recordedRows = null;
  }

  /** Shards as the library says they are: for partitions made in one go, and after a request moved someone. */
  settle(users: { handles: number[]; shard_of: number[] }): void {
    const shards = new Map(users.handles.map((handle, i) => [handle, users.shard_of[i]!]));
    const next = Uint16Array.from(this.handles, (handle, place) => shards.get(handle) ?? this.shardOf?.[place] ?? 65535);
    this.previousShardOf = this.shardOf?.length === next.length ? this.shardOf : null;
    this.shardOf = next;
    this.#centre(next);
    this.shardsChangedAt = performance.now();
    this.touch();
  }

  /** Centres where the members are: the map is a linear picture, so its means are the means' pictures. */
  #centre(shards: Uint16Array): void {
    const sums: [number, number, number][] = [];
    shards.forEach((k, i) => {
      if (k === 65535) return;
      const sum = (sums[k] ??= [0, 0, 0]);
      sum[0] += this.positions![2 * i]!;
      sum[1] += this.positions![2 * i + 1]!;
      sum[2]++;
    });
    this.centroids = Array.from(sums, (sum) => (sum ? [sum[0] / sum[2], sum[1] / sum[2]] : [0, 0])).flat();
  }

  /** The first training's curves, each up to its second fit: that starts from the first random numbers again and is another curve. */
  original() {
    return [...(this.curves.get("original")?.values() ?? [])].map(({ loss, metric, refit, done }) => ({
      loss: loss.slice(0, refit ?? loss.length), metric: metric.slice(0, refit ?? metric.length), second: refit === null ? 0 : loss.length - refit, done,
    }));
  }

  /** What is kept of it with a run: the mean loss by epoch, and the last start of the clustering. */
  summary(): { loss: number[]; objective: number[] } {
    const mean = spread(this.original().map(({ loss }) => ({ list: loss, ended: true })))[3];
    const start = this.iterations.at(-1)?.restart;
    return { loss: mean.filter((v) => v !== null), objective: this.iterations.filter((step) => step.restart === start).map((step) => step.objective) };
  }

  /** Updates a second over the last two seconds. */
  rate(): number {
    const now = performance.now();
    const recent = this.updates.filter((u) => now - u.at < 2000);
    if (recent.length < 2) return 0;
    const span = Math.max(0.05, (now - recent[0]!.at) / 1000);
    return recent.reduce((sum, u) => sum + u.n, 0) / span;
  }

  /**
   * Seconds left in this stage at the pace so far, or null while there is nothing to judge by. Training is judged by its
   * epochs: a sub-model is taken to need as many as those that are finished, and before one is, `cap`; then it is a most.
   */
  left(cap: number | null): Left | null {
    const p = this.progress;
    const spent = (performance.now() - this.stageSince) / 1000;
    if (!p || p.total <= p.done || spent < 0.25) return null;
    if (p.stage !== "train") return p.done > 0 ? { seconds: (spent / p.done) * (p.total - p.done), most: false } : null;
    const curves = [...(this.curves.get(p.pipeline)?.values() ?? [])];
    const finished = curves.filter((curve) => curve.done);
    const epochs = (some: readonly Curve[]) => some.reduce((sum, curve) => sum + curve.loss.length, 0);
    const usual = finished.length ? epochs(finished) / finished.length : cap;
    const done = epochs(curves);
    if (usual === null || done < 2) return null;
    const going = curves.filter((curve) => !curve.done);
    // Where a second fit is under way its length is that of the first at the most.
    const needs = (curve: Curve) => (curve.refit === null || finished.length ? usual : 2 * curve.refit);
    const rest = going.reduce((sum, curve) => sum + Math.max(0, needs(curve) - curve.loss.length), 0) + Math.max(0, p.total - curves.length) * usual;
    return { seconds: (spent / done) * rest, most: !finished.length };
  }

  /**
   * Share of the stage that is done. A sub-model trained again counts by its epochs, and is taken to need as many as the
   * first ones did, so that one that takes long is seen to move.
   */
  share(): number {
    const p = this.progress;
    if (!p || !p.total) return 0;
    const first = [...(this.curves.get("original")?.values() ?? [])].filter((curve) => curve.done);
    if (p.stage !== "train" || p.pipeline === "original" || !first.length) return p.done / p.total;
    const usual = Math.max(1, first.reduce((sum, curve) => sum + curve.loss.length - (curve.refit ?? 0), 0) / first.length);
    const again = [...(this.curves.get(p.pipeline)?.values() ?? [])];
    const done = again.reduce((sum, curve) => sum + (curve.done ? 1 : Math.min(0.95, curve.loss.length / usual)), 0);
    return Math.min(1, Math.max(p.done, done) / p.total);
  }

  /** Share of all stages that is done, each counted by its `seconds`: what it takes, roughly. */
  overall(seconds: Partial<Record<Stage, number | null>>): number {
    const p = this.progress;
    if (!p) return 0;
    const upTo = (end: number) => ORDER.slice(0, end).reduce((sum, stage) => sum + (seconds[stage] ?? 0), 0);
    const here = ORDER.indexOf(p.stage);
    const whole = upTo(ORDER.length);
    return here < 0 || !(whole > 0) ? this.share() : (upTo(here) + this.share() * (seconds[p.stage] ?? 0)) / whole;
  }

  touch(): void {
    if (this.#queued) return;
    this.#queued = true;
    const draw = () => {
      this.#queued = false;
      this.#drawnAt = performance.now();
      this.frame++;
    };
    // A hidden tab gets no frames; state still has to move on.
    if (document.hidden) setTimeout(draw, 200);
    // At most 25 pictures a second while events pour in, so that the page stays quick to the hand.
    else setTimeout(() => requestAnimationFrame(draw), Math.max(0, this.#drawnAt + 36 - performance.now()));
  }
}

const copy = (b: Uint8Array): ArrayBuffer => b.slice().buffer as ArrayBuffer;

export const stream = new Stream();
