//! What a combiner computed before the first user: bytes that travel in jobs and are hashed into receipts.

use serde::{Deserialize, Serialize};

use super::joint::{Joint, Prior};
use super::logistic::{self, LogisticFit};
use super::{CombineConfig, CombineError, CombineMethod, CombinerRows, Ensemble};
use crate::digest::Digest;

/// A combiner ready to score users, made by [`prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    n_shards: u32,
    n_items: u32,
    note: Option<String>,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    Own,
    Mean,
    Joint(Box<Joint>),
    Logistic(LogisticFit),
}

/// Computes what the combiner needs before it can score: nothing for `own` and `mean`, one factorisation for `joint`, a
/// training on validation rows for `logistic` and `attention` (`training`; the others do not look at it).
///
/// The result is a function of the arguments alone. Errors: a setting out of its range, or sub-models that the
/// combiner cannot work with.
pub fn prepare(
    ensemble: &Ensemble,
    config: &CombineConfig,
    seed: u64,
    training: &CombinerRows<'_>,
) -> Result<Prepared, CombineError> {
    prepare_again(ensemble, config, seed, training, None)
}

/// The same bits as [`prepare`], in less time where `previous` was prepared for an ensemble that shares most shards with
/// this one: after a request, only products with the retrained shards are computed.
pub fn prepare_again(
    ensemble: &Ensemble,
    config: &CombineConfig,
    seed: u64,
    training: &CombinerRows<'_>,
    previous: Option<&Prepared>,
) -> Result<Prepared, CombineError> {
    let config = config.check()?;
    let mut note = None;
    let mut fall_back = |method: &str| {
        note = Some(format!("{method} learns from validation rows and there are none: mean is used instead"));
        State::Mean
    };
    let state = match config.method {
        CombineMethod::Own => State::Own,
        CombineMethod::Mean => State::Mean,
        CombineMethod::Logistic => match logistic::fit(ensemble, training, config.negatives, seed) {
            Some(fit) => State::Logistic(fit),
            None => fall_back("logistic"),
        },
        CombineMethod::Joint | CombineMethod::Consensus => {
            let (alpha, lambda) = config.joint_strengths(ensemble);
            let previous = previous.and_then(|previous| match &previous.state {
                State::Joint(joint) => Some(&**joint),
                _ => None,
            });
            let prior = if config.method == CombineMethod::Joint { Prior::Flat } else { Prior::Consensus };
            State::Joint(Box::new(Joint::prepare(ensemble, prior, (alpha, lambda), previous)?))
        }
    };
    Ok(Prepared { n_shards: ensemble.n_shards() as u32, n_items: ensemble.n_items(), note: None, state })
}

impl Prepared {
    /// The method that scores; after a fallback not the one that was asked for.
    pub fn method(&self) -> CombineMethod {
        match &self.state {
            State::Own => CombineMethod::Own,
            State::Mean => CombineMethod::Mean,
            State::Joint(joint) if joint.prior == Prior::Consensus => CombineMethod::Consensus,
            State::Joint(_) => CombineMethod::Joint,
            State::Logistic(_) => CombineMethod::Logistic,
        }
    }

    /// A sentence for people where another combiner took over, with the reason.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// alpha and lambda as used, for `joint` and `consensus`.
    pub fn strengths(&self) -> Option<(f32, f32)> {
        match &self.state {
            State::Joint(joint) => Some((joint.alpha, joint.lambda)),
            _ => None,
        }
    }

    /// The coefficients of `logistic`.
    pub fn coefficients(&self) -> Option<&LogisticFit> {
        match &self.state {
            State::Logistic(fit) => Some(fit),
            _ => None,
        }
    }

    /// All of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory cannot fail; an empty buffer is refused by `from_bytes`.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// Reads [`Prepared::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CombineError> {
        postcard::from_bytes(bytes).map_err(|error| CombineError::Bytes { reason: error.to_string() })
    }

    /// SHA-256 of [`Prepared::to_bytes`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    pub(super) fn check(&self, ensemble: &Ensemble) -> Result<(), CombineError> {
        let described = |shards: u32, items: u32| format!("{shards} shards and {items} items");
        let inner = match &self.state {
            State::Joint(joint) => joint.n_items() as u32,
            State::Logistic(fit) if fit.shards.len() != self.n_shards as usize => 0,
            _ => self.n_items,
        };
        let found = (ensemble.n_shards() as u32, ensemble.n_items());
        if (self.n_shards, self.n_items) != found || inner != self.n_items {
            return Err(CombineError::Mismatch {
                prepared: described(self.n_shards, inner),
                found: described(found.0, found.1),
            });
        }
        Ok(())
    }
}
