//! Pipelines that are made one after the other, and what is to become of each.

use crate::combine::CombineMethod;
use crate::partition::Method;
use crate::pipeline::{Pipeline, Stage};

/// A pipeline of a series, and what is to become of it.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub name: String,
    pub pipeline: Pipeline,
    pub goal: Stage,
    pub kept: KeptAs,
}

#[derive(Clone, Debug)]
pub(super) enum KeptAs {
    /// Its errors were taken apart: the record with its name learns of it.
    Decomposed,
    /// Only its figures are kept.
    Rival,
    /// A point of the sweep.
    Point(Planned),
}

/// A point that is still to be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Planned {
    pub partition: Method,
    pub shards: u32,
    pub combiner: CombineMethod,
    pub decompose: bool,
}
