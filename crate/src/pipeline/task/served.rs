//! What serves, read back from its bytes: the sub-models and, where it is prepared, their combiner.

use std::sync::Arc;

use crate::combine::{Ensemble, Member, Prepared, Scorer};
use crate::error::Result;
use crate::model::load;
use crate::pipeline::job::{EnsembleParts, UserTable};
use crate::pipeline::{Blob, PipelineError};

/// An ensemble that can score. Large, and the same for many jobs: made once and shared.
pub(crate) struct Served {
    pub ensemble: Ensemble,
    pub prepared: Option<Prepared>,
}

impl Served {
    /// From the parts, the bytes that each of them names, and those of the combiner, checked against each other.
    pub fn new(
        parts: &EnsembleParts,
        bytes: impl Fn(&crate::Digest) -> Result<Blob>,
        prepared: Option<&crate::Digest>,
    ) -> Result<Self> {
        let member = |part: &crate::pipeline::job::MemberPart| {
            let weights = bytes(&part.weights)?;
            Ok(Member { model: Arc::from(load(&weights.bytes)?), items: part.items.clone(), rows: part.rows })
        };
        let members = parts.members.iter().map(member).collect::<Result<Vec<_>>>()?;
        let ensemble = Ensemble::new(members, parts.n_items)?;
        let prepared = prepared.map(|digest| Ok::<_, crate::Error>(Prepared::from_bytes(&bytes(digest)?.bytes)?));
        let served = Served { ensemble, prepared: prepared.transpose()? };
        if served.prepared.is_some() {
            served.scorer()?;
        }
        Ok(served)
    }

    /// Scores with the combiner.
    pub fn scorer(&self) -> Result<Scorer<'_>> {
        let missing = || PipelineError::Damaged { what: "a job", reason: "it names no combiner".to_owned() };
        Ok(Scorer::new(&self.ensemble, self.prepared.as_ref().ok_or_else(missing)?)?)
    }

    /// Refuses users whom it cannot serve.
    pub fn check(&self, users: &UserTable) -> Result<()> {
        users.check(self.ensemble.n_items(), self.ensemble.n_shards())
    }
}
