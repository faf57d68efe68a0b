//! What a change costs, seen before anything changes.

use std::ops::Deref;

use crate::unlearn::{Plan, Proposal};

/// The bill of a change: shards touched, rows to train again, what would stay behind. Reads like a [`Plan`].
///
/// Only a bill that was seen can be applied, and only to the rows that it was made for.
#[derive(Clone, Debug)]
pub struct Bill {
    pub(super) proposal: Box<Proposal>,
}

impl Deref for Bill {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.proposal.plan
    }
}

impl Bill {
    /// Says yes to it, with all that it warns of: an emptied shard, a catalogue that shrinks, nothing left.
    #[must_use = "a bill that was accepted changes nothing until it is applied"]
    pub fn accept(mut self) -> Accepted {
        self.proposal.change.forget.confirmed = true;
        Accepted { proposal: self.proposal }
    }
}

/// A bill that somebody has seen and accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub(super) proposal: Box<Proposal>,
}
