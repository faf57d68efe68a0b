//! Every model: an epoch, all epochs to convergence, ten shards to convergence; and the loops that have goals of their own.
//!
//! What stands as quality is the loss of an epoch, and after convergence NDCG@20 on rows that were held out: a fifth of the
//! generated rows, or the test file.

use ultrare::model::tune::Tuning;
use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};

use crate::rows::{MILLION, ROWS, parts};
use crate::{Case, Outcome, Run, hash};

pub(crate) fn cases() -> Vec<Case> {
    use ModelName::{Bpr, Dmf, Ease, Gmf, Itemknn, Lightgcn, Mf, Neumf, Wmf};
    let f32_of = |name| ModelConfig { factors: Some(32), ..ModelConfig::of(name) };
    vec![
        // 8 million updates a CPU-second natively, 6 million in wasm; 4 million in wasm at a million rows.
        Case::new("bpr pass 79k f32", move || epoch(&ROWS, &f32_of(Bpr))).native(79_045.0 / 8e6).wasm(79_045.0 / 6e6),
        Case::new("bpr pass 1M f32", move || epoch(&MILLION, &f32_of(Bpr))).wasm(1e6 / 4e6),
        Case::new("wmf sweep 79k f32", move || epoch(&ROWS, &f32_of(Wmf))).native(0.020),
        Case::new("epoch wmf", || epoch(&ROWS, &ModelConfig::of(Wmf))),
        Case::new("epoch bpr", || epoch(&ROWS, &ModelConfig::of(Bpr))),
        Case::new("epoch mf", || epoch(&ROWS, &ModelConfig::of(Mf))),
        Case::new("epoch lightgcn", || epoch(&ROWS, &ModelConfig::of(Lightgcn))),
        Case::new("epoch gmf", || epoch(&ROWS, &ModelConfig::of(Gmf))),
        Case::new("epoch neumf", || epoch(&ROWS, &ModelConfig::of(Neumf))),
        Case::new("epoch dmf", || epoch(&ROWS, &ModelConfig::of(Dmf))),
        Case::new("whole wmf", || converge(1, Wmf)),
        Case::new("whole bpr", || converge(1, Bpr)),
        Case::new("whole mf", || converge(1, Mf)),
        Case::new("whole lightgcn", || converge(1, Lightgcn)),
        Case::new("whole gmf", || converge(1, Gmf)),
        Case::new("whole neumf", || converge(1, Neumf)),
        Case::new("whole dmf", || converge(1, Dmf)),
        Case::new("whole ease", || converge(1, Ease)),
        Case::new("whole itemknn", || converge(1, Itemknn)),
        // Half a second, two and ten on two cores.
        Case::new("ten shards wmf", || converge(10, Wmf)).wasm(1.0),
        Case::new("ten shards bpr", || converge(10, Bpr)).wasm(4.0),
        Case::new("ten shards lightgcn", || converge(10, Lightgcn)).wasm(20.0),
    ]
}

const FAILED: Outcome = Outcome { checksum: 0, quality: f64::NAN, units: 0.0 };

/// The second epoch of a training on all rows; nothing is measured in it. Units are updates.
fn epoch(rows: &ShardRows, config: &ModelConfig) -> Run {
    let rows = ShardRows { validation: vec![false; rows.items.len()], ..rows.clone() };
    // Without a cap a model that has no validation rows would be through after some epochs; with it, it is never.
    let config = ModelConfig { epochs: Some(10_000), tolerance: Some(0.0), ..config.clone() };
    let trainer = trainer(rows, &config, 1, 0).ok().and_then(|mut trainer| trainer.step().is_ok().then_some(trainer));
    Box::new(move || {
        let Some(mut trainer) = trainer else { return FAILED };
        let Ok(report) = trainer.step() else { return FAILED };
        let checksum = hash([u64::from(report.loss.to_bits()), report.updates]);
        Outcome { checksum, quality: f64::from(report.loss), units: report.updates as f64 }
    })
}

/// Everything from the rows to measured models with default settings. Units are epochs.
fn converge(shards: usize, name: ModelName) -> Run {
    let tuning = Tuning::new(parts(&ROWS, shards), &ModelConfig::of(name), 1);
    Box::new(move || {
        let Ok(tuning) = tuning else { return FAILED };
        let middle = tuning.grid().len() / 2;
        let (mut ndcg, mut epochs) = (Vec::new(), 0);
        for shard in 0..tuning.shards() {
            let Ok(trial) = tuning.trial(middle, shard) else { return FAILED };
            ndcg.extend(trial.ndcg);
            epochs += trial.epochs;
        }
        let checksum = hash(ndcg.iter().map(|value| value.to_bits()));
        Outcome { checksum, quality: ndcg.iter().sum::<f64>() / ndcg.len() as f64, units: f64::from(epochs.max(1)) }
    })
}
