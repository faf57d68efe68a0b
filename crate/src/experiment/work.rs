//! What is asked for and what is under way, as values: the queue moves them, and dropping one cancels it.

use std::collections::VecDeque;

use crate::pipeline::{Run, Stage, Store};
use crate::unlearn::Proposal;

use super::Activity;
use super::rehearsal::Rehearsal;
use super::series::Next;
use super::verify::Verify;

/// Something that was asked for. Several may share a ticket: the parts of a sequence.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Names it in the notice that ends it.
    pub ticket: u32,
    pub what: What,
    /// Does the ticket end with it?
    pub last: bool,
    /// Is it a part of the sequence under way?
    pub part: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Activity(Activity),
    /// A change whose bill was seen, built so far before it is committed.
    Proposal(Box<Proposal>, Stage),
    Verify(Box<Verify>),
}

impl What {
    pub fn name(&self) -> &'static str {
        match self {
            What::Activity(activity) => activity.name(),
            What::Proposal(..) => "change",
            What::Verify(_) => "verify",
        }
    }
}

/// What is under way, and for whom. Nothing of it reaches the experiment before it is finished, so dropping it cancels it.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub ticket: u32,
    pub last: bool,
    pub part: bool,
    pub work: Work,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    Pursuit(Box<Pursuit>),
    Verify(Box<Verify>),
    Rehearsal(Box<Rehearsal>),
}

/// A pipeline on its way, and what is to become of it.
#[derive(Clone, Debug)]
pub(super) struct Pursuit {
    pub run: Run,
    /// A store of its own, where nothing that is there may help.
    pub store: Option<Store>,
    pub then: Then,
}

/// What becomes of a pipeline that has reached its goal.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// It serves.
    Build,
    /// The change is committed: it serves, and nothing else is left.
    Change(Box<Proposal>),
    /// Its figures are kept beside those of what serves.
    Record,
    /// It is compared with what serves, stage by stage.
    Twin,
    /// The first of a series is done.
    Series { name: &'static str, current: Next, rest: VecDeque<Next> },
}

impl Pursuit {
    pub fn name(&self) -> &'static str {
        match &self.then {
            Then::Build => "build",
            Then::Change(_) => "change",
            Then::Record if self.run.hints.name == "retrained" => "compare",
            Then::Record => "beside",
            Then::Twin => "twin",
            Then::Series { name, .. } => name,
        }
    }
}

impl Work {
    pub fn name(&self) -> &'static str {
        match self {
            Work::Pursuit(pursuit) => pursuit.name(),
            Work::Verify(_) => "verify",
            Work::Rehearsal(_) => "audit",
        }
    }

    pub fn done(&self, store: &Store) -> bool {
        match self {
            Work::Pursuit(pursuit) => pursuit.run.done(pursuit.store.as_ref().unwrap_or(store)),
            Work::Verify(verify) => verify.done(),
            Work::Rehearsal(rehearsal) => rehearsal.done(),
        }
    }
}
