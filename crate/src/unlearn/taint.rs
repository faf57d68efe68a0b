//! Which stages may still depend on forgotten rows, why, and what would make them exact.

use serde::{Deserialize, Serialize};

/// What happens to the partition at a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It stays as it was: who is forgotten leaves, nobody moves. What the papers do.
    #[default]
    Frozen,
    /// It is made again from the remaining rows; every shard whose members change is trained again.
    Refit,
    /// It depends on the anchors and a user's own rows: made again if an anchor, or anybody who stays, loses rows (then
    /// only shards whose members change are trained again); otherwise nobody moves.
    Anchored,
}

/// Whose rows decide a result about one user or row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Its own id or row and nothing else: `hash`, a given file, the keyed split.
    Alone,
    /// The user's own rows: leave-last-out by time.
    OwnRows,
    /// The user's own rows and the anchors': `anchored`.
    Anchors,
    /// Everybody's: `random` (equal cuts), `obc`, `kmeans`, RecEraser's three; a k-core filter.
    #[default]
    Everybody,
}

/// How the pipeline is run, as far as traces of forgotten rows are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// What happens to the partition.
    pub mode: Mode,
    /// Whose rows decide a user's shard.
    pub partition: Reach,
    /// Whose rows decide whether a row is there at all: `Alone`, or `Everybody` under a k-core filter.
    pub filter: Reach,
    /// Whose rows decide a row's fate: `Alone` for the keyed split and given files, `OwnRows` for leave-last-out.
    pub split: Reach,
    /// Does an anchor lose rows in this request?
    pub anchor_touched: bool,
    /// Does a user who stays lose rows (items or single interactions are forgotten)?
    pub partial: bool,
}

impl Procedure {
    /// Rows and fates decided alone, the partition as said: what most configurations are.
    pub fn new(mode: Mode, partition: Reach) -> Self {
        let (filter, split) = (Reach::Alone, Reach::Alone);
        Procedure { mode, partition, filter, split, anchor_touched: false, partial: false }
    }

    /// Is the partition made again at this request?
    pub fn divides_again(&self) -> bool {
        match self.mode {
            Mode::Frozen => false,
            Mode::Refit => self.partition != Reach::Alone,
            Mode::Anchored => self.anchor_touched || self.partial,
        }
    }
}

/// A stage that may still depend on forgotten rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Taint {
    /// The stage: `read`, `split` or `partition`.
    pub stage: String,
    /// One or two plain sentences: what remains, and what would make it exact.
    pub message: String,
}

/// The taints a request may leave. Whether it does is known when the twin was made: the twin's comparison.
pub fn expected_taints(procedure: &Procedure) -> Vec<Taint> {
    let mut taints = Vec::new();
    let mut taint = |stage: &str, message: &str| {
        taints.push(Taint { stage: stage.to_owned(), message: message.to_owned() });
    };
    if procedure.filter == Reach::Everybody {
        taint("read", FILTER);
    }
    if procedure.split == Reach::Everybody || procedure.split == Reach::OwnRows && procedure.partial {
        taint("split", SPLIT);
    }
    if !procedure.divides_again() {
        match procedure.partition {
            Reach::Everybody => taint("partition", PARTITION),
            Reach::Anchors if procedure.anchor_touched => taint("partition", ANCHOR),
            Reach::Anchors | Reach::OwnRows if procedure.partial => taint("partition", OWN),
            Reach::Alone | Reach::OwnRows | Reach::Anchors => {}
        }
    }
    taints
}

const FILTER: &str = "The k-core filter counted the forgotten rows when it decided whose rows stay, so some rows may be \
    here only because of them. Reading again without the filter would make it exact.";
const SPLIT: &str = "The last row of each user was held out by time; where that row is forgotten, another would have \
    been held out. The keyed hold-out depends on no other row and would make it exact.";
const PARTITION: &str = "The division into shards was computed while the forgotten rows were there and is kept, so where \
    the others sit may still depend on them. Refit divides again and trains every shard whose members change; the \
    anchored or hash partition would not have depended on them.";
const ANCHOR: &str = "An anchor is forgotten, and the division that was computed from the anchors is kept. Dividing again \
    would make it exact.";
const OWN: &str = "Users who stay lose rows, and their shard was chosen by all rows they had. Choosing it again from the \
    rows that stay would make it exact.";
