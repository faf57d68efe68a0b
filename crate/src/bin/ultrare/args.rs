//! What can be asked for. The words are a contract: other programs rely on them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Recommendation unlearning that can be checked.
#[derive(Parser)]
#[command(name = "ultrare", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Read, divide, train, combine, measure; forget and compare if asked.
    Run(Box<Run>),
    /// Forget from a saved experiment, on another day.
    Unlearn(Unlearn),
    /// Try settings of a model on rows held out of the training rows, never on test rows, and print them best first.
    Tune(Tune),
    /// Check receipts against rows by training again. Exit code 1 if anything differs.
    Verify(Verify),
    /// Make a pair of keys to sign receipts with: FILE gets the secret one, FILE.pub the public one.
    Keys(Keys),
    /// Accuracy against the cost of forgetting one user, over numbers of shards, partitions and combiners.
    Sweep(Box<Sweep>),
    /// Write generated interactions as a CSV file.
    Synth(Synth),
}

/// What to read.
#[derive(Args, Clone)]
pub struct Input {
    /// One file of interactions; the split is made by a keyed hash.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["train", "test", "sample"])]
    pub data: Option<PathBuf>,
    /// Rows to train on; needs --test.
    #[arg(long, value_name = "FILE", requires = "test", conflicts_with = "sample")]
    pub train: Option<PathBuf>,
    /// Rows to measure on; needs --train.
    #[arg(long, value_name = "FILE", requires = "train")]
    pub test: Option<PathBuf>,
    /// The bundled generated sample.
    #[arg(long, value_name = "SIZE", value_enum)]
    pub sample: Option<SampleSize>,
    /// Keep only rows whose rating is at least this.
    #[arg(long, value_name = "RATING")]
    pub positive: Option<f32>,
    /// Keep only users and items with at least this many rows.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    pub k_core: u32,
    /// The column that says which users consent to being anchors (yes or no), if its name does not tell.
    #[arg(long, value_name = "COLUMN")]
    pub consent: Option<String>,
}

#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    pub input: Input,
    /// obc, random, hash, kmeans, ubp, ibp, inbp, anchored, or file:PATH (lines of user,shard).
    #[arg(long, default_value = "obc", value_name = "METHOD")]
    pub partition: String,
    /// How many shards.
    #[arg(long, default_value_t = 10, value_name = "K", allow_negative_numbers = true)]
    pub shards: i64,
    /// wmf, bpr, mf, lightgcn, gmf, neumf, dmf, ease or itemknn.
    #[arg(long, default_value = "wmf", value_name = "MODEL")]
    pub model: String,
    /// own, mean, joint, consensus, logistic or attention. Without it joint, or mean where the model has no item vectors
    /// (neumf, ease, itemknn).
    #[arg(long, value_name = "COMBINER")]
    pub combine: Option<String>,
    /// Length of the sub-models' vectors; the model's default follows the size of its data.
    #[arg(long, value_name = "D")]
    pub factors: Option<u32>,
    /// Other knobs of the model, as `ultrare tune` prints them: rate=0.02 lambda=0.01 ...
    #[arg(long = "set", value_name = "KNOB=VALUE", num_args = 1..)]
    pub knobs: Vec<String>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub seed: u32,
    #[command(flatten)]
    pub forget: Forget,
    #[command(flatten)]
    pub out: Output,
    /// Slices of each shard with a checkpoint before each, so that forgetting need not begin from the beginning; 0 is none.
    #[arg(long, default_value_t = 0, value_name = "R")]
    pub slices: u32,
    /// users or interactions: what the shards have equally many of.
    #[arg(long, value_name = "UNIT")]
    pub balance: Option<String>,
    /// From 0 (k-means) to 1 (exactly balanced).
    #[arg(long, value_name = "STRENGTH")]
    pub balance_strength: Option<f32>,
    /// exact or entropic: how the transport problem is solved.
    #[arg(long, value_name = "SOLVER")]
    pub solver: Option<String>,
    /// Seeded starts of the clustering, of which the best is kept.
    #[arg(long, value_name = "R")]
    pub restarts: Option<u32>,
    /// Who the anchors are: a share of the users chosen by a keyed hash, such as 20%; or `consent`: those who say yes in the
    /// file's consent column.
    #[arg(long, value_name = "P%|consent")]
    pub anchors: Option<String>,
    /// Also measure SISA, RecEraser, popularity and chance.
    #[arg(long)]
    pub baselines: bool,
    /// Take the errors of every ensemble apart: relevance, redundancy, combination loss.
    #[arg(long)]
    pub decompose: bool,
    /// Also run everything from the remaining rows alone: says who would have sat elsewhere, and compares stage by stage.
    #[arg(long)]
    pub drift: bool,
}

/// What to forget, and how.
#[derive(Args)]
pub struct Forget {
    /// users:ID,ID,..., items:ID,ID,..., rows:USER=ITEM,..., or random:P%, core:P%, edge:P%.
    #[arg(long, value_name = "WHAT", conflicts_with = "sequence")]
    pub forget: Option<String>,
    /// A script of requests that arrive one by one: lines such as `user,17`, `item,50` or `interaction,17,50`.
    #[arg(long, value_name = "FILE")]
    pub sequence: Option<PathBuf>,
    /// Rows to add, from a file: with or without --forget, which comes first. New people are placed as the bill says.
    #[arg(long, value_name = "FILE", conflicts_with = "sequence")]
    pub add: Option<PathBuf>,
    /// Make the partition again at the change, instead of keeping it.
    #[arg(long)]
    pub refit: bool,
    /// Go on where a request would empty a shard or the test set.
    #[arg(long)]
    pub confirm: bool,
    /// Rehearse --forget first: can the forgotten be told from people who were never in? Or, with --sequence: compare with a
    /// twin after each request.
    #[arg(long)]
    pub audit: bool,
}

/// How to run, and what to write.
#[derive(Args)]
pub struct Output {
    /// Threads; by default as many as the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Write the snapshot as JSON.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Write the last request's receipt as JSON.
    #[arg(long, value_name = "OUT")]
    pub receipt: Option<PathBuf>,
    /// Sign the receipt with this secret key, as `ultrare keys` wrote it.
    #[arg(long, value_name = "KEY", requires = "receipt")]
    pub sign: Option<PathBuf>,
    /// Save the experiment, to change it later. Holds the remaining rows and nothing of the forgotten ones.
    #[arg(long, value_name = "OUT")]
    pub save: Option<PathBuf>,
}

#[derive(Args)]
pub struct Unlearn {
    /// As saved by --save.
    #[arg(long, value_name = "FILE")]
    pub experiment: PathBuf,
    #[command(flatten)]
    pub forget: Forget,
    #[command(flatten)]
    pub out: Output,
}

#[derive(Args)]
pub struct Tune {
    #[command(flatten)]
    pub input: Input,
    /// wmf, bpr, mf, lightgcn, gmf, neumf, dmf, ease or itemknn.
    #[arg(long, default_value = "wmf", value_name = "MODEL")]
    pub model: String,
    /// Knobs that stay as they are, or in the middle of the grid: factors=32 rate=0.02 ...
    #[arg(long = "set", value_name = "KNOB=VALUE", num_args = 1..)]
    pub knobs: Vec<String>,
    /// One model on everything, or one on each of so many shards.
    #[arg(long, default_value_t = 1, value_name = "K", allow_negative_numbers = true)]
    pub shards: i64,
    /// How users are divided, with more than one shard.
    #[arg(long, default_value = "obc", value_name = "METHOD")]
    pub partition: String,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub seed: u32,
    /// Threads; by default as many as the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Write the table as JSON.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Verify {
    /// The receipt; or a chain of them, the first first.
    #[arg(required = true, value_name = "RECEIPT")]
    pub receipts: Vec<PathBuf>,
    /// Rows as they were before the first of these requests, or as they are after the last.
    #[command(flatten)]
    pub input: Input,
    /// The public key that the receipts must be signed by: 64 hexadecimal digits, or a file with them.
    #[arg(long, value_name = "KEY")]
    pub signed_by: Option<String>,
    /// The digest that the last receipt must have, from where it was kept: shows that none was cut off the end.
    #[arg(long, value_name = "DIGEST")]
    pub head: Option<String>,
    /// Write the rows as they were read and split: what a verifier of your own starts from (docs/receipt.md).
    #[arg(long, value_name = "OUT")]
    pub rows: Option<PathBuf>,
    /// Threads; by default as many as the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
}

#[derive(Args)]
pub struct Keys {
    /// The file for the secret key. Keep it to yourself; hand out the one that ends in .pub.
    pub out: PathBuf,
}

#[derive(Args)]
pub struct Sweep {
    #[command(flatten)]
    pub input: Input,
    /// Numbers of shards.
    #[arg(long, default_value = "2,5,10,20,40", value_name = "K,K,...")]
    pub shards: String,
    /// obc, random, hash, kmeans, ubp, ibp, inbp, anchored.
    #[arg(long, default_value = "obc", value_name = "METHOD,...")]
    pub partitions: String,
    /// own, mean, joint, consensus, logistic, attention. Without it joint, or mean where the model has no item vectors
    /// (neumf, ease, itemknn).
    #[arg(long, value_name = "COMBINER,...")]
    pub combiners: Option<String>,
    /// wmf, bpr, mf, lightgcn, gmf, neumf, dmf, ease or itemknn.
    #[arg(long, default_value = "wmf", value_name = "MODEL")]
    pub model: String,
    /// Length of the sub-models' vectors.
    #[arg(long, value_name = "D")]
    pub factors: Option<u32>,
    /// Everything is measured once per seed.
    #[arg(long, default_value = "0", value_name = "S,S,...")]
    pub seeds: String,
    /// Also take the errors of every point apart.
    #[arg(long)]
    pub decompose: bool,
    /// Keep what is measured in this file (the seed is appended), and go on from there if it exists.
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// Threads; by default as many as the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Write all points as JSON.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Synth {
    #[arg(long)]
    pub users: u32,
    #[arg(long)]
    pub items: u32,
    #[arg(long)]
    pub rows: u32,
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// The CSV file to write.
    pub out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SampleSize {
    Small,
    Medium,
    Large,
}
