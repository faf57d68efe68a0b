/** The knobs, each with the line that explains it. Names and ranges are the library's; it checks them again. */
import type { Json } from "../../client";

interface Base {
  path: string;
  label: string;
  why: string;
  /** Shown only if this holds for the settings as they are, and for the data: how many users consent, null if nobody was asked. */
  when?: (value: (path: string) => Json | undefined, consenting: number | null) => boolean;
}
export type KnobSpec = Base &
  (
    | { kind: "choice"; options: readonly { value: string; label: string; why: string }[] }
    | { kind: "number"; min: number; max: number; step: number; log?: boolean; auto?: number; words?: (n: number) => string }
    | { kind: "switch" }
  );

const anchored = (v: (p: string) => Json | undefined) => v("partition.method") === "anchored";
const clustering = (v: (p: string) => Json | undefined) => v("partition.method") === "obc" || v("partition.method") === "anchored";

/** The model is one of these. */
const of = (...names: string[]) => (v: (p: string) => Json | undefined) => names.includes(String(v("model.name")));
/** Models that learn by epochs and stop on their shard's own held-out rows. */
const LEARNED = ["bpr", "mf", "lightgcn", "gmf", "neumf", "dmf"];

export const GROUPS: readonly { title: string; knobs: readonly KnobSpec[] }[] = [
  {
    title: "Divide",
    knobs: [
      {
        path: "partition.method", kind: "choice", label: "Partition", why: "Who shares a sub-model with whom.",
        options: [
          { value: "obc", label: "Optimal balanced (UltraRE)", why: "Users of like taste together, in shards of equal size: optimal transport." },
          { value: "anchored", label: "Anchored", why: "Clusters a sample of users; everyone else follows from their own rows, so a deletion moves nobody." },
          { value: "random", label: "Random (SISA)", why: "Users in keyed random order, cut into equal parts. Ignores taste." },
          { value: "hash", label: "Hash", why: "The id alone decides: nobody's shard depends on anybody else." },
          { value: "kmeans", label: "k-means", why: "Taste only, no balance: shards may differ much in size." },
          { value: "ubp", label: "RecEraser, users", why: "RecEraser's greedy balanced clustering of users." },
          { value: "ibp", label: "RecEraser, items", why: "Rows follow their items: one user is in several shards." },
          { value: "inbp", label: "RecEraser, interactions", why: "Rows are clustered singly: one user is in several shards." },
          { value: "file", label: "From a file", why: "Lines of user,shard decide: a division made elsewhere." },
        ],
      },
      {
        path: "partition.consent", kind: "switch", label: "Anchors by consent",
        why: "Only users who say yes in the file's consent column are anchors, whatever others say.",
        when: (v, consenting) => anchored(v) && (consenting !== null || v("partition.consent") === true),
      },
      {
        path: "partition.anchors", kind: "number", label: "Anchors", min: 0.05, max: 1, step: 0.05,
        why: "The share of users on whose rows the division rests, chosen by a keyed hash of the id.",
        when: (v) => anchored(v) && v("partition.consent") !== true,
      },
      {
        path: "partition.shards", kind: "number", label: "Shards", min: 2, max: 100, step: 1, log: true,
        why: "More shards make forgetting cheaper, and each sub-model weaker.",
      },
      {
        path: "partition.strength", kind: "number", label: "Balance", min: 0, max: 1, step: 0.05, when: clustering,
        why: "From k-means (0) to shards of exactly equal size (1).",
      },
      {
        path: "partition.balance", kind: "choice", label: "Equal in", why: "", when: clustering,
        options: [
          { value: "users", label: "users", why: "Every shard has as many users." },
          { value: "interactions", label: "rows", why: "Every shard has as many rows, so each costs the same to train again." },
        ],
      },
      {
        path: "partition.solver", kind: "choice", label: "Transport", why: "", when: clustering,
        options: [
          { value: "exact", label: "exact", why: "The best assignment there is." },
          { value: "entropic", label: "entropic (Sinkhorn)", why: "A smoothed problem whose solution sharpens while you watch." },
        ],
      },
      {
        path: "partition.epsilon", kind: "number", label: "Smoothing", min: 0.005, max: 0.5, step: 0.005, auto: 0.005,
        when: (v) => clustering(v) && v("partition.solver") === "entropic",
        why: "How blurred the plan stays. With more of it people near a border are carried to several shards.",
      },
    ],
  },
  {
    title: "Train",
    knobs: [
      {
        path: "model.name", kind: "choice", label: "Sub-model", why: "What is trained on each shard.",
        options: [
          { value: "wmf", label: "Weighted matrix factorisation", why: "Alternating least squares; converges in a few sweeps." },
          { value: "bpr", label: "BPR", why: "Learns to rank liked above unseen, one pair at a time." },
          { value: "lightgcn", label: "LightGCN", why: "Tastes spread along the graph of who liked what." },
          { value: "mf", label: "Rating prediction", why: "Predicts ratings: what the released UltraRE code trains." },
          { value: "gmf", label: "GMF", why: "A learned product of user and item vectors." },
          { value: "neumf", label: "NeuMF", why: "GMF beside a small neural network." },
          { value: "dmf", label: "DMF", why: "Two towers over rows of the matrix." },
          { value: "ease", label: "EASE", why: "Closed form on co-occurrence counts." },
          { value: "itemknn", label: "Item neighbours", why: "Counts and cosines." },
        ],
      },
      {
        path: "model.factors", kind: "number", label: "Factors", min: 4, max: 128, step: 4, auto: 64,
        why: "Numbers per user and item, at most as many as the shard has users. More can hold more, and cost more.",
        when: of(...LEARNED, "wmf"),
      },
      {
        path: "model.rate", kind: "number", label: "Learning rate", min: 0.0005, max: 1, step: 0.0005, log: true, when: of(...LEARNED),
        why: "How far one step goes. Small is slow and sure; far too large and the training says that it diverged.",
      },
      {
        path: "model.lambda", kind: "number", label: "Penalty (lambda)", min: 0.00001, max: 10, step: 0.00001, log: true,
        when: of(...LEARNED, "wmf"),
        why: "Holds numbers near zero. More of it forgets single rows and keeps what many share.",
      },
      {
        path: "model.lambda", kind: "number", label: "Penalty (lambda)", min: 1, max: 10000, step: 1, log: true, when: of("ease"),
        why: "Holds the links between items near zero, counted in people. More of it trusts common pairs only.",
      },
      {
        path: "model.alpha", kind: "number", label: "Weight of the unseen (alpha)", min: 0.01, max: 10, step: 0.01, log: true, when: of("wmf"),
        why: "How much every unseen item counts as a no. More of it pulls towards what is popular.",
      },
      {
        path: "model.layers", kind: "number", label: "Layers", min: 1, max: 8, step: 1, when: of("lightgcn"),
        why: "Steps that tastes travel along the graph of who liked what.",
      },
      {
        path: "model.layers", kind: "number", label: "Layers", min: 1, max: 8, step: 1, when: of("neumf"),
        why: "Hidden layers of the network, each half as wide as the one below.",
      },
      {
        path: "model.negatives", kind: "number", label: "Negatives", min: 1, max: 50, step: 1, when: of("mf", "gmf", "neumf", "dmf"),
        why: "Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more.",
      },
      {
        path: "model.neighbours", kind: "number", label: "Neighbours", min: 1, max: 1000, step: 1, log: true, when: of("itemknn"),
        why: "Most similar items kept for each item.",
      },
      {
        path: "model.epochs", kind: "number", label: "At most epochs", min: 1, max: 1000, step: 1, log: true, when: of(...LEARNED, "wmf"),
        why: "A cap. Training normally stops before it, by itself.",
      },
      {
        path: "model.patience", kind: "number", label: "Patience", min: 1, max: 50, step: 1, when: of(...LEARNED),
        why: "How many looks at its own held-out rows may bring nothing better before it stops.",
      },
      {
        path: "model.slices", kind: "number", label: "Checkpoints", min: 0, max: 16, step: 1,
        when: (v) => !["ease", "itemknn", "neumf", "dmf"].includes(String(v("model.name"))),
        why: "Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none.",
      },
    ],
  },
  {
    title: "Combine",
    knobs: [
      {
        path: "combine.method", kind: "choice", label: "Combiner", why: "How K sub-models serve one person.",
        options: [
          { value: "joint", label: "Joint fold-in", why: "One small regression per person over all shards' item vectors." },
          { value: "consensus", label: "Consensus", why: "Joint fold-in, held to what the shards agree on." },
          { value: "mean", label: "Mean of all", why: "Every sub-model scores everyone by fold-in; scores are averaged." },
          { value: "own", label: "Own shard only", why: "The shard that holds the person serves the person, as released peers do." },
          { value: "logistic", label: "Logistic (UltraRE)", why: "A logistic regression weighs the sub-models' scores." },
          { value: "attention", label: "Attention (RecEraser)", why: "A trained attention weighs the sub-models' vectors." },
        ],
      },
    ],
  },
  {
    title: "Chance",
    knobs: [
      { path: "seed", kind: "number", label: "Seed", min: 0, max: 4294967295, step: 1, why: "Same data, settings and seed: the same bytes, on any machine." },
    ],
  },
];
