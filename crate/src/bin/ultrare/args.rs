//! What can be asked for. The words are a contract: other programs rely on them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::out::is_stdout;
use crate::reading::Reading;

/// What programs that call this one can rely on.
const CODES: &str = "Exit codes: 0 done (verify: every check is fulfilled), 1 verify found a difference, 2 refused or failed; \
nothing was changed then. Where a file is to be written, - is the standard output.";

/// Recommendation unlearning that can be checked.
#[derive(Parser)]
#[command(name = "ultrare", version, about, after_help = CODES)]
pub struct Cli {
    /// Say nothing but errors, and what `-` asks for on the standard output.
    #[arg(long, short, global = true)]
    pub quiet: bool,
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
    /// Recommend to people of a saved experiment, or to a visitor, with reasons if asked.
    Recommend(Recommend),
    /// Run a pipeline's jobs anywhere, as files: `job plan`, `job run` for each file, `job accept`, until nothing is left.
    #[command(subcommand)]
    Job(Job),
    /// Check receipts against rows by training again. Exit code 0 if all is fulfilled, 1 if anything differs, 2 if it cannot
    /// be checked: rows of something else, a receipt that was changed.
    Verify(Verify),
    /// Make a pair of keys to sign receipts with: FILE gets the secret one, FILE.pub the public one.
    Keys(Keys),
    /// Accuracy against the cost of forgetting one user, over numbers of shards, partitions and combiners.
    Sweep(Box<Sweep>),
    /// Write generated interactions as a CSV file.
    Synth(Synth),
    /// Print what a shell needs to complete these words: bash, zsh, fish, elvish or powershell.
    Completions(Completions),
}

impl Command {
    /// Does the standard output belong to a result?
    pub fn speaks_for_itself(&self) -> bool {
        let result = |paths: &[&Option<PathBuf>]| paths.iter().any(|path| path.as_deref().is_some_and(is_stdout));
        let of = |out: &Output| result(&[&out.json, &out.receipt, &out.save, &out.lists, &out.per_user]);
        match self {
            Command::Run(run) => of(&run.out),
            Command::Unlearn(unlearn) => of(&unlearn.out),
            Command::Recommend(recommend) => result(&[&recommend.out]),
            Command::Tune(tune) => result(&[&tune.json]),
            Command::Sweep(sweep) => result(&[&sweep.json]),
            Command::Verify(verify) => result(&[&verify.rows]),
            _ => false,
        }
    }
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
    /// Titles and genres of the items, such as movies.csv, movies.dat or u.item, where they lie in a file of their own.
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    pub titles: Option<PathBuf>,
    /// The bundled generated sample.
    #[arg(long, value_name = "SIZE", value_enum)]
    pub sample: Option<SampleSize>,
    /// Keep only users and items with at least this many rows.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    pub k_core: u32,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    pub input: Input,
    /// Which rows are measured on. Deleting a single row of somebody under leave-last-out may change what is held out of that
    /// person's others; the twin and `verify` begin before the split.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Split::HoldOut, conflicts_with_all = ["train", "test"])]
    pub split: Split,
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
    /// Only read, and save rows and settings: what `job plan` begins from. Nothing is trained.
    #[arg(long, value_name = "OUT", conflicts_with_all = ["forget", "add", "sequence", "scenario"])]
    pub prepare: Option<PathBuf>,
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
    /// Requests as people meet them, one by one: consent (six people withdraw), spam (many users at once), item (an embarrassing
    /// one) or month (ten requests). Prints the bill of each first.
    #[arg(long, value_name = "STORY", conflicts_with_all = ["forget", "sequence", "add"])]
    pub scenario: Option<String>,
    /// Rows to add, from a file: with or without --forget, which comes first. New people are placed as the bill says.
    #[arg(long, value_name = "FILE", conflicts_with = "sequence")]
    pub add: Option<PathBuf>,
    /// Make the partition again at the change, instead of keeping it.
    #[arg(long)]
    pub refit: bool,
    /// Go on where a request would empty a shard or the test set.
    #[arg(long)]
    pub confirm: bool,
    /// Rehearse --forget first: can the forgotten be told from people who were never in? Or, with --sequence or --scenario:
    /// compare with a twin after each request.
    #[arg(long)]
    pub audit: bool,
}

/// How to run, and what to write.
#[derive(Args)]
pub struct Output {
    /// Threads; by default as many as the machine has.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Write the snapshot as JSON (docs/snapshot.schema.json).
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Write everybody's list, as .csv or .jsonl: what serves, and what it is compared with.
    #[arg(long, value_name = "OUT")]
    pub lists: Option<PathBuf>,
    /// Write everybody's figures, as .csv or .jsonl.
    #[arg(long, value_name = "OUT")]
    pub per_user: Option<PathBuf>,
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
pub struct Recommend {
    /// As saved by --save.
    #[arg(long, value_name = "FILE")]
    pub experiment: PathBuf,
    /// People of the experiment; whoever is not there gets what is popular, and is told so.
    #[arg(long, value_name = "ID,...", value_delimiter = ',', required_unless_present_any = ["everybody", "items"])]
    pub users: Vec<String>,
    /// Everybody in the experiment.
    #[arg(long, conflicts_with_all = ["users", "items"])]
    pub everybody: bool,
    /// A visitor who shows these items.
    #[arg(long, value_name = "ID,...", value_delimiter = ',', conflicts_with = "users")]
    pub items: Vec<String>,
    /// Items of a list.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub top: u32,
    /// Items that are left out.
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Only the items in this file, one a line.
    #[arg(long, value_name = "FILE")]
    pub only: Option<PathBuf>,
    /// List what the person has already, too.
    #[arg(long)]
    pub seen: bool,
    /// Say which of the person's own rows lead to each item, the strongest three.
    #[arg(long)]
    pub explain: bool,
    /// Write the lists as .csv, .jsonl or .json.
    #[arg(long, value_name = "OUT")]
    pub out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Job {
    /// Begin in an empty folder, from a saved experiment, and write the first jobs. With --forget or --add the experiment is
    /// changed, else it is built.
    Plan {
        /// The folder.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// As saved by --save, or by `run --prepare`.
        #[arg(long, value_name = "FILE")]
        experiment: PathBuf,
        #[command(flatten)]
        forget: Box<Forget>,
    },
    /// Run jobs. Any number at once, on any machine that sees the folder; what is done already is not done again.
    Run {
        /// Files that `plan` or `accept` wrote.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<PathBuf>,
    },
    /// Take the outcomes that are there and write the next jobs; or the experiment, when nothing is left to do.
    Accept {
        /// The folder.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Args)]
pub struct Completions {
    /// Which shell.
    pub shell: clap_complete::Shell,
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

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub enum Split {
    /// A fifth of the rows, by a keyed hash of user and item.
    #[default]
    HoldOut,
    /// Everybody's last row by time; of equal times the greatest item id.
    LeaveLastOut,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SampleSize {
    Small,
    Medium,
    Large,
}
