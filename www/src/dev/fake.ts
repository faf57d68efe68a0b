// A stand-in while the library is being written: same shapes, invented numbers. Removed when the client lands.
import type {
  Arm, Config, DataView, ForgetRequest, PersonView, Plan, Preview, Selection, Session, SessionEvent, ShardView, Size,
  Snapshot, Stage, UsersView,
} from "../client/types";

const hex = (n: number) => Array.from({ length: 64 }, (_, i) => ((n * 2654435761 * (i + 7) + i * 97) >>> 4 & 15).toString(16)).join("");
let seedState = 7;
const rnd = () => { seedState = (seedState * 1664525 + 1013904223) >>> 0; return seedState / 4294967296; };
const gauss = () => Math.sqrt(-2 * Math.log(rnd() + 1e-9)) * Math.cos(6.283 * rnd());

export class FakeSession implements Session {
  workers = 2; running = false; paused = false;
  #listeners = new Set<(e: SessionEvent) => void>();
  #speed: number | null = null; #cancelled = false; #steps = 0; #wake: (() => void) | null = null;
  #config: Config = {
    seed: 1, split: { test: 0.2, validation: 0.1 }, embedding: { factors: 32 },
    partition: { method: "obc", shards: 10, restarts: 3, solver: "exact", balance: "users", strength: 1, normalise: true, anchors: 0.2, max_iterations: 100 },
    model: { name: "wmf", refit: true },
    combine: { method: "joint" }, evaluate: { bootstrap: 1000 },
  };
  #n = 0; #rows: number[] = []; #xy = new Float32Array(0); #shardOf = new Uint16Array(0); #gone = new Set<number>();
  #snap: Snapshot = this.#blank();

  #blank(): Snapshot {
    return {
      version: "0.1.0", phase: "empty", config: this.#config, data: null, partition: null, shards: [], results: {}, forget: null,
      digests: { shards_before: [], shards_after: [] }, notes: [],
      seconds: { read: 0, embed: 0, partition: 0, train: 0, combine: 0, evaluate: 0, unlearn: 0, retrain: 0 },
    };
  }
  on(l: (e: SessionEvent) => void) { this.#listeners.add(l); return () => this.#listeners.delete(l); }
  #emit(e: SessionEvent) { for (const l of this.#listeners) l(e); }
  #state() { this.#emit({ kind: "state", running: this.running, paused: this.paused }); }
  async #tick() {
    if (this.#cancelled) throw Object.assign(new Error("cancelled"), { code: "cancelled" });
    await new Promise<void>((r) => setTimeout(r, this.#speed ? 1000 / this.#speed : 2));
    while (this.paused && this.#steps === 0 && !this.#cancelled) await new Promise<void>((r) => { this.#wake = r; });
    if (this.#steps > 0) this.#steps--;
    if (this.#cancelled) throw Object.assign(new Error("cancelled"), { code: "cancelled" });
  }
  async #activity<T>(f: () => Promise<T>): Promise<T> {
    this.running = true; this.#cancelled = false; this.#state();
    try { return await f(); } finally { this.running = false; this.#state(); }
  }
  async preview(file: Blob): Promise<Preview> {
    const text = await file.slice(0, 4000).text();
    const lines = text.split(/\r?\n/).filter(Boolean).slice(0, 8);
    if (!lines.length) throw Object.assign(new Error("The file is empty: expected rows of user and item ids."), { code: "empty_file" });
    const rows = lines.map((l) => l.split(","));
    return { delimiter: "comma", has_header: true, columns: rows[0]!.map((name, i) => ({ name, role: (["user", "item", "rating"] as const)[i] ?? null })), rows: rows.slice(1) };
  }
  async load(): Promise<DataView> { return this.loadSample("medium"); }
  async loadSample(size: Size): Promise<DataView> {
    const n = { small: 600, medium: 3000, large: 20000 }[size];
    const big = Number(new URLSearchParams(location.search).get("n"));
    this.#n = big || n; seedState = 7; this.#gone.clear();
    this.#rows = Array.from({ length: this.#n }, () => Math.round(8 + 30 * Math.exp(gauss() * 0.8)));
    const total = this.#rows.reduce((a, b) => a + b, 0);
    this.#snap = this.#blank(); this.#snap.phase = "data";
    this.#snap.data = { users: this.#n, items: 900, train_rows: total, validation_rows: Math.round(total / 9), test_rows: Math.round(total / 4), users_without_train: 2, rejected: { "duplicate row": 3, "rating is not a number": 2 } };
    return this.#snap.data;
  }
  async configure(c: Partial<Config>): Promise<Stage[]> {
    for (const k of Object.keys(c)) {
      const v = c[k]; this.#config = { ...this.#config, [k]: typeof v === "object" && v ? { ...(this.#config[k] as object), ...(v as object) } : (v as never) };
    }
    this.#snap.config = this.#config; return ["partition", "train", "combine", "evaluate"];
  }
  get #K() { return (this.#config.partition as { shards: number }).shards; }
  async build(): Promise<Snapshot> {
    return this.#activity(async () => {
      const n = this.#n, K = this.#K; this.#gone.clear();
      for (let s = 1; s <= 10; s++) { await this.#tick(); this.#emit({ kind: "embedding", sweep: s, loss: 1 / s + 0.3 }); this.#emit({ kind: "stage", arm: "original", stage: "embed", done: s, total: 10 }); }
      const G = 8; this.#xy = new Float32Array(2 * n); seedState = 11;
      for (let i = 0; i < n; i++) {
        const g = Math.floor(rnd() * G), a = (g / G) * 6.283, r = 0.35 + 0.25 * (g % 3) / 2;
        this.#xy[2 * i] = Math.max(-1, Math.min(1, Math.cos(a) * r + gauss() * 0.13)); this.#xy[2 * i + 1] = Math.max(-1, Math.min(1, Math.sin(a) * r + gauss() * 0.13));
      }
      this.#emit({ kind: "positions", handles: new Uint8Array(Uint32Array.from({ length: n }, (_, i) => i).buffer), xy: new Uint8Array(this.#xy.buffer.slice(0)) });
      const c = Array.from({ length: K }, () => { const i = Math.floor(rnd() * n); return [this.#xy[2 * i]!, this.#xy[2 * i + 1]!]; });
      const shard = new Uint16Array(n); let users: number[] = [], rows: number[] = [], obj = 0;
      for (let it = 0; it < 14; it++) {
        await this.#tick();
        users = Array(K).fill(0); rows = Array(K).fill(0); const sx = Array(K).fill(0), sy = Array(K).fill(0); obj = 0; let moves = 0; const cap = Math.ceil(n / K * (it < 4 ? 1.3 - it * 0.08 : 1));
        for (let i = 0; i < n; i++) {
          let b = 0, bd = 9e9;
          for (let k = 0; k < K; k++) { const d = (this.#xy[2 * i]! - c[k]![0]!) ** 2 + (this.#xy[2 * i + 1]! - c[k]![1]!) ** 2; if (d < bd && users[k]! < cap) { bd = d; b = k; } }
          if (shard[i] !== b) moves++; shard[i] = b; users[b]!++; rows[b]! += this.#rows[i]!; sx[b] += this.#xy[2 * i]!; sy[b] += this.#xy[2 * i + 1]!; obj += bd;
        }
        for (let k = 0; k < K; k++) if (users[k]) c[k] = [sx[k] / users[k]!, sy[k] / users[k]!];
        this.#emit({ kind: "cluster", restart: 0, iteration: it, objective: obj, moves, users_per_shard: users, rows_per_shard: rows, shard_of: new Uint8Array(shard.buffer.slice(0)), centroids_xy: c.flat() });
        this.#emit({ kind: "stage", arm: "original", stage: "partition", done: it + 1, total: 14 });
      }
      this.#shardOf = shard;
      this.#snap.partition = { method: "obc", shards: K, users_per_shard: users, rows_per_shard: rows, capacity: Math.ceil(n / K), within_ss: obj, iterations: 14, seconds: 0.03 };
      this.#emit({ kind: "divided", partition: this.#snap.partition });
      this.#snap.shards = [];
      await this.#train("original", users.map((_, k) => k), (k) => ({ shard: k, users: users[k]!, rows: rows[k]!, items: 500, epochs: 12, stop: "converged", seconds: 0.04, touched: false, digest: hex(k + 1), digest_before: null }));
      this.#snap.results = { original: this.#result(0.42, 0.9) }; this.#emit({ kind: "evaluated", arm: "original", result: this.#snap.results.original! });
      this.#snap.forget = null; this.#snap.phase = "trained"; this.#snap.seconds = { ...this.#snap.seconds, read: 0.02, embed: 0.1, partition: 0.03, train: 0.5, combine: 0.2, evaluate: 0.1 };
      this.#emit({ kind: "finished", activity: "build" });
      return this.snapshot();
    });
  }
  async #train(arm: Arm, ks: number[], view: (k: number) => ShardView) {
    const E = 12; let done = 0; const queue = [...ks]; const total = ks.length * E;
    await Promise.all([0, 1].map(async (w) => {
      for (let k = queue.shift(); k !== undefined; k = queue.shift()) {
        this.#emit({ kind: "worker", worker: w, state: "busy", job: { stage: "train", shard: k } });
        const a = 0.7 + rnd() * 0.3, tau = 2 + rnd() * 2;
        for (let e = 1; e <= E; e++) {
          await this.#tick();
          this.#emit({ kind: "epoch", arm, shard: k, epoch: e, loss: a * (0.35 + 0.65 * Math.exp(-e / tau)), metric: 0.35 * (1 - Math.exp(-e / tau)), refit: false, updates: 2000 });
          this.#emit({ kind: "stage", arm, stage: "train", done: ++done, total });
        }
        const v = view(k); this.#snap.shards[k] = v; this.#emit({ kind: "trained", arm, shard: v });
        this.#emit({ kind: "worker", worker: w, state: "idle" });
      }
    }));
    for (let e = 1; e <= 4; e++) { await this.#tick(); this.#emit({ kind: "stage", arm, stage: "evaluate", done: e, total: 4 }); }
  }
  #result(base: number, seconds: number) {
    const metrics: Record<string, { mean: number; low: number; high: number }> = {};
    for (const [name, f] of [["ndcg", 1], ["recall", 0.84], ["hit", 2.1], ["precision", .6], ["mrr", 1.3], ["map", .5]] as const) for (const [at, g] of [[5, .9], [10, .95], [20, 1], [50, 1.2]] as const) {
      const m = Math.min(0.98, base * f * g); metrics[`${name}@${at}`] = { mean: m, low: m - 0.011, high: m + 0.011 };
    }
    return { metrics, users: this.#n - 20, users_without_test: 20, seconds, shards_trained: this.#K, combiner: "joint" };
  }
  async select(s: Selection): Promise<string[]> {
    const m = Math.max(1, Math.round(this.#n * s.percent / 100)); const ix = this.#rows.map((_, i) => i).filter((i) => !this.#gone.has(i));
    if (s.how === "core") ix.sort((a, b) => this.#rows[b]! - this.#rows[a]!); else if (s.how === "edge") ix.sort((a, b) => this.#rows[a]! - this.#rows[b]!); else ix.sort(() => rnd() - .5);
    return ix.slice(0, m).map((i) => `u${i}`);
  }
  #of(r: ForgetRequest) { return r.users.map((u) => Number(u.slice(1))).filter((i) => i >= 0 && i < this.#n && !this.#gone.has(i)); }
  async plan(r: ForgetRequest): Promise<Plan> {
    const ix = this.#of(r), K = this.#K; const t = new Map<number, { shard: number; users: number; rows: number; rows_after: number }>();
    for (const i of ix) { const k = this.#shardOf[i]!; const e = t.get(k) ?? { shard: k, users: 0, rows: 0, rows_after: this.#snap.partition!.rows_per_shard[k]! }; e.users++; e.rows += this.#rows[i]!; e.rows_after -= this.#rows[i]!; t.set(k, e); }
    const touched = [...t.values()].sort((a, b) => a.shard - b.shard);
    return {
      users: ix.length, rows: ix.reduce((a, i) => a + this.#rows[i]!, 0), unknown_users: r.users.filter((u) => !/^u\d+$/.test(u)), unknown_items: [], touched,
      untouched: Array.from({ length: K }, (_, k) => k).filter((k) => !t.has(k)), seconds: 0.05 * touched.length + 0.05, full_seconds: 0.9,
      warnings: touched.length === K ? [{ code: "all_touched", message: "Every shard is touched: this costs as much as training all shards again." }] : [],
      taints: [{ stage: "partition", message: "The partition was computed with these users' rows and stays as it is: which shard the others are in may still depend on them." }],
    };
  }
  async forget(r: ForgetRequest): Promise<Snapshot> {
    const plan = await this.plan(r); const ix = this.#of(r);
    return this.#activity(async () => {
      const before = this.#snap.shards; const set = new Set(plan.touched.map((t) => t.shard));
      this.#snap.shards = before.map((s) => ({ ...s, digest_before: s.digest, touched: set.has(s.shard) }));
      await this.#train("unlearned", [...set], (k) => ({ ...this.#snap.shards[k]!, touched: true, digest: hex(k + 1000 + ix.length), users: before[k]!.users - 1 }));
      for (const i of ix) this.#gone.add(i);
      this.#snap.results.unlearned = { ...this.#result(0.415, 0.05 * set.size + 0.05), shards_trained: set.size };
      this.#emit({ kind: "evaluated", arm: "unlearned", result: this.#snap.results.unlearned });
      this.#snap.forget = { protocol: "batch of chosen users, frozen partition", users: ix.length, rows: plan.rows, touched_shards: [...set], unknown: [] };
      this.#snap.seconds.unlearn = 0.05 * set.size + 0.05;
      this.#emit({ kind: "finished", activity: "forget" });
      return this.snapshot();
    });
  }
  async compare(): Promise<Snapshot> {
    return this.#activity(async () => {
      for (let e = 1; e <= 30; e++) { await this.#tick(); this.#emit({ kind: "epoch", arm: "retrained", shard: 0, epoch: e, loss: 0.3 + Math.exp(-e / 5), metric: null, refit: false, updates: 9000 }); this.#emit({ kind: "stage", arm: "retrained", stage: "train", done: e, total: 30 }); }
      this.#snap.results.retrained = { ...this.#result(0.427, 0.9), shards_trained: 1 }; this.#snap.seconds.retrain = 0.9; this.#snap.phase = "compared";
      this.#emit({ kind: "evaluated", arm: "retrained", result: this.#snap.results.retrained });
      this.#emit({ kind: "finished", activity: "compare" });
      return this.snapshot();
    });
  }
  async snapshot() { return structuredClone(this.#snap); }
  async users(): Promise<UsersView> {
    const h = this.#rows.map((_, i) => i).filter((i) => !this.#gone.has(i));
    return { ids: h.map((i) => `u${i}`), train_rows: h.map((i) => this.#rows[i]!), handles: h, shard_of: h.map((i) => this.#shardOf[i] ?? 65535) };
  }
  async person(id: string): Promise<PersonView> {
    const i = Number(id.slice(1)); const titles = ["The Salt Orchard", "Northward", "A Quiet Engine", "Glass Meridian", "Paper Lanterns", "The Ninth Tide", "Low Country", "Ember Street", "Cartographer's Son", "Winter Grammar"];
    const list = (o: number) => Array.from({ length: 20 }, (_, j) => ({ item: `i${(j * 7 + o * (j % 3)) % 97}`, title: `${titles[(j * 7 + o * (j % 3)) % 10]} ${(j * 7 + o * (j % 3)) % 97}`, value: 1 - j / 25, test: j % 6 === o }));
    return { id, shards: [this.#shardOf[i] ?? 0], rows: list(3).slice(0, 12), lists: { original: list(0), ...(this.#snap.results.unlearned ? { unlearned: list(1) } : {}), ...(this.#snap.results.retrained ? { retrained: list(2) } : {}) } };
  }
  pause() { this.paused = true; this.#state(); }
  resume() { this.paused = false; this.#wake?.(); this.#state(); }
  step() { this.#steps++; this.#wake?.(); }
  setSpeed(s: number | null) { this.#speed = s; }
  async cancel() { this.#cancelled = true; this.#wake?.(); }
  async save(): Promise<Uint8Array> { throw new Error("not here"); }
  async restore() { return this.snapshot(); }
  async report() { return []; }
  close() {}
}
