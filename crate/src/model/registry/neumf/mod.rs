//! `neumf`: neural matrix factorisation (He et al. 2017, section 3.4): a generalised product and a multi-layer perceptron,
//! with separate embeddings, side by side under one last layer.
//!
//! logit = h . [p * q ; MLP(p', q')] + b; binary cross-entropy over the rows and sampled negatives, lambda / 2 |embeddings|^2 a sample;
//! Adam; trained from scratch, without the paper's two pre-trainings. Layers: 2k -> k -> k/2 -> ... A user's representation
//! is \[p ; p'\].

mod dense;
mod net;
mod objective;
mod served;
mod shape;

use objective::Neumf;
use served::Model;
use shape::Shape;

use crate::model::entry::{ModelEntry, Training};
use crate::model::knobs::{
    Axis, EPOCHS, FACTORS, HALVES, LAMBDA, LAYERS, NEGATIVES, PATIENCE, RATE, REFIT, THIRDS, TOLERANCE,
};
use crate::model::training::optimiser::Adam;
use crate::model::training::{Batches, Defaults, Draw, Optimiser, Settings, TrainRows, Validated};
use crate::model::{ModelError, Trainer};
use crate::numerics::random::{Purpose, StreamKey};

const ADVICE: &str = "the weights grow without bound; lower the rate or raise lambda";

/// Chosen on a tenth of ML-100K's training rows held out: two seeds, lambda 1e-4 to .06, rates .0025 and .005, 16 and 32
/// factors, 1 to 3 layers (NDCG@20 .216; rate .005 gave .208).
const DEFAULTS: Defaults = Defaults {
    factors: (16, 16),
    rate: 0.0025,
    lambda: |_| 0.03,
    layers: 2,
    negatives: 4,
    pieces: Some((64, 1024)),
    every: 2,
    patience: 4,
    cap: 200,
    without: 20,
};

/// What the registry knows of it.
pub(super) static ENTRY: ModelEntry = ModelEntry {
    name: served::NAME,
    title: "NeuMF",
    about: "A generalised product and a small neural network side by side.",
    code: served::CODE,
    knobs: &[
        FACTORS.defaults_to("16"),
        EPOCHS.defaults_to("200"),
        LAMBDA.defaults_to("0.03"),
        RATE.defaults_to("0.0025"),
        PATIENCE.defaults_to("4"),
        TOLERANCE.defaults_to("0.001"),
        LAYERS.explained("Hidden layers of the network, each half as wide as the one below.").defaults_to("2"),
        NEGATIVES.defaults_to("4"),
        REFIT,
    ],
    additive: false,
    slices: Err(
        "0 for neumf and dmf: their layers take all items and users as inputs, so no state goes on to a longer list",
    ),
    item_vectors: false,
    stops_on_validation: true,
    search: &[Axis::times(&LAMBDA, THIRDS), Axis::times(&RATE, HALVES)],
    fill: |knobs, rows| DEFAULTS.fill(knobs, rows),
    train,
    load: Model::load,
};

fn train(training: Training<'_>) -> Result<Box<dyn Trainer>, ModelError> {
    let settings = DEFAULTS.under(&training);
    let Settings { factors, rate, lambda, negatives, pieces, stopping, key, .. } = settings;
    let layers = settings.layers as usize;
    let make = move |rows: TrainRows, _round: u32| {
        let shape = Shape { n_users: rows.csr.len(), n_items: rows.n_items as usize, factors, layers };
        let weights = shape.start(StreamKey { purpose: Purpose::WeightInit, ..key });
        let objective = Neumf::new(shape, lambda, negatives);
        let adam = move |n| Optimiser::Adam(Adam::new(n, rate));
        Box::new(Batches::new(rows, Draw::Pointwise(negatives), pieces, key, weights, adam, objective)) as _
    };
    Ok(Box::new(Validated::new(training.rows, stopping, ADVICE, Box::new(make))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::exercise;
    use crate::model::training::batch_tests::{check_gradient, samples};
    use crate::model::{ModelConfig, ModelName};

    #[test]
    fn keeps_every_promise_of_a_sub_model() {
        exercise(&ModelConfig { factors: Some(8), ..ModelConfig::of(ModelName::Neumf) });
    }

    #[test]
    fn gradient_by_finite_differences() {
        let shape = Shape { n_users: 9, n_items: 7, factors: 5, layers: 3 };
        let mut weights = shape.start(StreamKey::new(1, Purpose::WeightInit, 0, 0));
        assert_eq!(weights.len(), shape.len());
        weights.iter_mut().take(16 * 10).for_each(|value| *value *= 8.0);
        check_gradient(Neumf::new(shape, 0.1, 4), &weights, &samples(9, 7, 12));
    }
}
