//! What a combiner computed before the first user: bytes that travel in jobs and are hashed into receipts.

use serde::{Deserialize, Serialize};

use super::attention::Attention;
use super::joint::{Joint, Prior};
use super::logistic::{self, LogisticFit};
use super::{CombineConfig, CombineError, CombineMethod, CombinerRows, Ensemble};
use crate::numerics::digest::Digest;

/// A combiner ready to score users, made by [`prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    n_shards: u32,
    n_items: u32,
    note: Option<String>,
    pub(super) state: Fitted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fitted {
    Own,
    Mean,
    Joint(Box<Joint>),
    Logistic(LogisticFit),
    Attention(Box<Attention>),
}

/// What the logistic regression learned, for display.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct LogisticReport {
    /// Shifts every probability; no ranking depends on it.
    pub intercept: f64,
    /// For every shard with a sub-model, ascending.
    pub shards: Vec<ShardWeight>,
    /// Validation rows used.
    pub positives: u32,
    /// Sampled pairs used.
    pub negatives: u32,
    /// Newton steps taken.
    pub steps: u32,
    /// Mean logistic loss at the end.
    pub loss: f64,
}

/// How much one shard's standardised score counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct ShardWeight {
    /// The shard's number.
    pub shard: u32,
    /// Its coefficient.
    pub weight: f64,
}

/// Computes what the combiner needs before it can score: nothing for `own` and `mean`, one factorisation for `joint` and
/// `consensus`, a training on validation rows for `logistic` and `attention` (`training`; the others do not look at it).
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
    config.check()?;
    let mut note = None;
    let mut fall_back = |method: &str| {
        note = Some(format!("{method} learns from validation rows and found none it can use: mean is used instead"));
        Fitted::Mean
    };
    let state = match config.method {
        CombineMethod::Own => Fitted::Own,
        CombineMethod::Mean => Fitted::Mean,
        CombineMethod::Logistic => match logistic::fit(ensemble, training, config.negatives, seed) {
            Some(fit) => Fitted::Logistic(fit),
            None => fall_back("logistic"),
        },
        CombineMethod::Attention => match Attention::fit(ensemble, training, config.attention, config.epochs, seed)? {
            Some(fit) => Fitted::Attention(Box::new(fit)),
            None => fall_back("attention"),
        },
        CombineMethod::Joint | CombineMethod::Consensus => {
            let (alpha, lambda) = config.joint_strengths(ensemble);
            let previous = previous.and_then(|previous| match &previous.state {
                Fitted::Joint(joint) => Some(&**joint),
                _ => None,
            });
            let prior = if config.method == CombineMethod::Joint { Prior::Flat } else { Prior::Consensus };
            Fitted::Joint(Box::new(Joint::prepare(ensemble, prior, (alpha, lambda), previous)?))
        }
    };
    Ok(Prepared { n_shards: ensemble.n_shards() as u32, n_items: ensemble.n_items(), note, state })
}

impl Prepared {
    /// The method that scores; after a fallback not the one that was asked for.
    pub fn method(&self) -> CombineMethod {
        match &self.state {
            Fitted::Own => CombineMethod::Own,
            Fitted::Mean => CombineMethod::Mean,
            Fitted::Joint(joint) if joint.prior == Prior::Consensus => CombineMethod::Consensus,
            Fitted::Joint(_) => CombineMethod::Joint,
            Fitted::Logistic(_) => CombineMethod::Logistic,
            Fitted::Attention(_) => CombineMethod::Attention,
        }
    }

    /// A sentence for people where another combiner took over, with the reason.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// alpha and lambda as used, for `joint` and `consensus`.
    pub fn strengths(&self) -> Option<(f32, f32)> {
        match &self.state {
            Fitted::Joint(joint) => Some((joint.alpha, joint.lambda)),
            _ => None,
        }
    }

    /// What `logistic` learned, by the numbers of the shards: `shards` names the shard of each of the ensemble's members, in
    /// their order. None for the other combiners.
    ///
    /// Panics if there are fewer numbers than members, like an index out of range.
    pub fn coefficients(&self, shards: &[u32]) -> Option<LogisticReport> {
        let Fitted::Logistic(fit) = &self.state else { return None };
        let weight = |(member, &weight): (usize, &f64)| ShardWeight { shard: shards[member], weight };
        Some(LogisticReport {
            intercept: fit.intercept,
            shards: fit.members.iter().enumerate().map(weight).collect(),
            positives: fit.positives,
            negatives: fit.negatives,
            steps: fit.steps,
            loss: fit.loss,
        })
    }

    /// All of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("writing to memory cannot fail, and postcard knows all of these types")
    }

    /// Reads [`Prepared::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CombineError> {
        let refuse = |reason: String| CombineError::Bytes { reason };
        let prepared: Prepared = postcard::from_bytes(bytes).map_err(|error| refuse(error.to_string()))?;
        let sound = match &prepared.state {
            Fitted::Joint(joint) => joint.is_sound(),
            Fitted::Attention(fit) => fit.is_sound(),
            Fitted::Own | Fitted::Mean | Fitted::Logistic(_) => true,
        };
        if sound { Ok(prepared) } else { Err(refuse("its matrices do not fit each other".to_owned())) }
    }

    /// SHA-256 of [`Prepared::to_bytes`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    pub(super) fn check(&self, ensemble: &Ensemble) -> Result<(), CombineError> {
        let described = |shards: u32, items: u32| format!("{shards} shards and {items} items");
        let inner = match &self.state {
            Fitted::Joint(joint) => joint.n_items() as u32,
            Fitted::Attention(fit) if fit.n_shards() != self.n_shards as usize => 0,
            Fitted::Attention(fit) => fit.n_items() as u32,
            Fitted::Logistic(fit) if fit.members.len() != self.n_shards as usize => 0,
            _ => self.n_items,
        };
        let found = (ensemble.n_shards() as u32, ensemble.n_items());
        let fits = match &self.state {
            Fitted::Joint(joint) => joint.fits(ensemble),
            _ => true,
        };
        if (self.n_shards, self.n_items) != found || inner != self.n_items || !fits {
            return Err(CombineError::Mismatch {
                prepared: described(self.n_shards, inner),
                found: described(found.0, found.1),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake_model::{FakeModel, ensemble};
    use super::super::{CombinerUser, Scorer, UserRows};
    use super::*;
    use crate::numerics::matrix::Matrix;

    /// Twelve people with rows everywhere; validation rows too, if asked.
    fn people(validation: bool) -> Vec<(Vec<u32>, Vec<u32>)> {
        let person = |user: u32| {
            let items: Vec<u32> = (user % 4..40).step_by(5).collect();
            let held = if validation {
                (user % 3 + 1..40).step_by(9).filter(|i| !items.contains(i)).collect()
            } else {
                vec![]
            };
            (items, held)
        };
        (0..12).map(person).collect()
    }

    fn rows<'a>(people: &'a [(Vec<u32>, Vec<u32>)], values: &'a [f32]) -> CombinerRows<'a> {
        let user = |(items, validation): &'a (Vec<u32>, Vec<u32>)| CombinerUser {
            items,
            values: &values[..items.len()],
            validation,
            own: &[(1, 2)],
        };
        CombinerRows { users: people.iter().map(user).collect() }
    }

    #[test]
    fn every_method_prepares_travels_and_scores_known_items_only() {
        let (ensemble, people, values) = (ensemble(3, 40, 4, 9), people(true), [1.0; 40]);
        for method in CombineMethod::ALL {
            let config = CombineConfig { epochs: 3, ..CombineConfig::of(method) }.own_knobs();
            let prepared = prepare(&ensemble, &config, 1, &rows(&people, &values)).unwrap();
            assert_eq!((prepared.method(), prepared.note()), (method, None));
            // Shards 1, 3 and 4 are empty: members 1 and 2 are not the shards of those numbers.
            let coefficients = prepared.coefficients(&[0, 2, 5]);
            assert_eq!(coefficients.is_some(), method == CombineMethod::Logistic);
            if let Some(report) = coefficients {
                let shards: Vec<u32> = report.shards.iter().map(|weight| weight.shard).collect();
                assert_eq!(shards, [0, 2, 5], "a member's index is no shard's number");
            }
            let travelled = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
            assert_eq!((&travelled, travelled.digest()), (&prepared, prepared.digest()));
            let user = UserRows { items: &people[0].0, values: &values[..people[0].0.len()], own: &[(0, 1)] };
            let mut out = vec![0.0; 40];
            Scorer::new(&ensemble, &travelled).unwrap().score(&user, &mut out);
            let listed = (0..40).filter(|&item| out[item as usize].is_finite()).count();
            assert!((0..40).all(|item| ensemble.knows(item) || out[item as usize] == f32::NEG_INFINITY), "{method:?}");
            assert!(listed > 20, "{method:?}");
        }
    }

    #[test]
    fn an_attention_whose_lengths_do_not_fit_is_refused() {
        let (ensemble, people, values) = (ensemble(3, 40, 4, 9), people(true), [1.0; 40]);
        let config = CombineConfig { epochs: 1, ..CombineConfig::of(CombineMethod::Attention) };
        let good = prepare(&ensemble, &config, 1, &rows(&people, &values)).unwrap();
        let faults: [fn(&mut Attention); 4] = [
            |fit| fit.width += 1,
            |fit| fit.hidden = 0,
            |fit| fit.shards = u32::MAX,
            |fit| fit.items = Matrix::zeros(40, 3),
        ];
        for fault in faults {
            let mut bad = good.clone();
            let Fitted::Attention(fit) = &mut bad.state else { panic!("{:?}", bad.method()) };
            fault(fit);
            assert_eq!(Prepared::from_bytes(&bad.to_bytes()).unwrap_err().code(), "combine.bytes");
        }
    }

    #[test]
    fn without_validation_rows_mean_takes_over_and_says_so() {
        let (ensemble, people, values) = (ensemble(3, 40, 4, 9), people(false), [1.0; 40]);
        for method in [CombineMethod::Logistic, CombineMethod::Attention] {
            let prepared = prepare(&ensemble, &CombineConfig::of(method), 1, &rows(&people, &values)).unwrap();
            assert_eq!(prepared.method(), CombineMethod::Mean);
            assert!(prepared.note().unwrap().contains("mean is used instead"), "{:?}", prepared.note());
        }
    }

    #[test]
    fn models_without_vectors_work_with_own_mean_and_logistic() {
        let (whole, people, values) = (ensemble(2, 40, 4, 9), people(true), [1.0; 40]);
        let members = whole.members().iter().map(FakeModel::without_vectors).collect();
        let ensemble = Ensemble::new(members, 40).unwrap();
        for method in CombineMethod::ALL {
            let result = prepare(&ensemble, &CombineConfig::of(method), 1, &rows(&people, &values));
            let works = matches!(method, CombineMethod::Own | CombineMethod::Mean | CombineMethod::Logistic);
            assert_eq!(result.is_ok(), works, "{method:?}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let bad = [
            (CombineConfig { alpha: Some(0.0), ..CombineConfig::default() }, "alpha"),
            (CombineConfig { lambda: Some(f32::NAN), ..CombineConfig::default() }, "lambda"),
            (CombineConfig { negatives: 0, ..CombineConfig::of(CombineMethod::Logistic) }, "negatives"),
            (CombineConfig { attention: 1000, ..CombineConfig::of(CombineMethod::Attention) }, "attention"),
            (CombineConfig { epochs: 0, ..CombineConfig::of(CombineMethod::Attention) }, "epochs"),
        ];
        for (config, field) in bad {
            match prepare(&ensemble(2, 10, 2, 1), &config, 1, &CombinerRows::default()) {
                Err(CombineError::Parameter { name, .. }) => assert_eq!(name, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}
