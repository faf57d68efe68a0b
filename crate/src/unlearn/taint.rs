//! Which stages may still depend on rows that are gone, why, and what would make them exact.

use serde::{Deserialize, Serialize};

/// What happens to the partition at a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It stays as it was: who is forgotten leaves, who comes is placed, nobody moves. What the papers do. Under `anchored`,
    /// which rests on the anchors and a user's own rows, it is made again where one of these changes.
    #[default]
    Frozen,
    /// It is made again from the rows after the change; every shard whose members change is trained again.
    Refit,
}

/// Whose rows decide a user's shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Its own id and nothing else: `hash`, an assignment file.
    Alone,
    /// The user's own rows and the anchors': `anchored`.
    Anchors,
    /// Everybody's: `random` (equal cuts), `obc`, `kmeans`, RecEraser's three.
    #[default]
    Everybody,
}

/// How a change is carried out, as far as traces are concerned. Filter and split are computed anew from the rows, so they
/// are always those of a file that never held what is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// What happens to the partition.
    pub mode: Mode,
    /// Whose rows decide a user's shard.
    pub partition: Reach,
    /// Under `anchored`: does an anchor come or go, or does anybody's shard have to be found because the own rows changed?
    pub follows: bool,
}

impl Procedure {
    /// Is the partition made again at this change?
    pub fn divides_again(&self) -> bool {
        match self.partition {
            Reach::Alone => false,
            Reach::Anchors => self.mode == Mode::Refit || self.follows,
            Reach::Everybody => self.mode == Mode::Refit,
        }
    }
}

/// Who may be in another shard when the partition is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Nobody.
    Nobody,
    /// So many people at the most: under `anchored`, those whose own rows change, while the anchors are who they were.
    People(u32),
    /// Anybody.
    Anybody,
}

/// A stage that may still depend on forgotten rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Taint {
    /// The stage, such as `partition`.
    pub stage: String,
    /// One or two plain sentences: what remains, and what would make it exact.
    pub message: String,
}

/// The taints a change may leave. Whether it does is known when the twin was made: the twin's comparison.
pub(crate) fn expected_taints(procedure: &Procedure) -> Vec<Taint> {
    if procedure.partition != Reach::Everybody || procedure.divides_again() {
        return Vec::new();
    }
    vec![Taint { stage: "partition".to_owned(), message: PARTITION.to_owned() }]
}

const PARTITION: &str = "The division into shards was computed from the rows as they were and is kept, so where others sit may \
    still depend on what is gone, and not on what came. Refit divides again and trains every shard whose members change; the \
    anchored or hash partition would not have depended on them.";
