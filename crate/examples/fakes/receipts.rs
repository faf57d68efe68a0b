//! Receipts for what was faked: everything in them is honest but the digests, which are those of what serves.

use ultrare::experiment::{Activity, Experiment, Loaded, Notice};
use ultrare::pipeline::{Runner, Stage};
use ultrare::unlearn::receipt::{Secret, Verdict};
use ultrare::unlearn::{Change, Mode, Receipt};

use crate::serving::Serving;
use crate::world::{World, request};

/// The receipt of an experiment that carries the request out honestly.
pub fn honest(world: &World, items: &[String]) -> ultrare::Result<Receipt> {
    let mut experiment = Experiment::new();
    experiment.configure(world.settings.clone())?;
    experiment.load(Loaded { rows: world.read.clone(), ..Loaded::default() })?;
    experiment.begin(Activity::Build { until: Stage::Evaluate })?;
    experiment.drive(&Runner::new())?;
    let change: Change = request(&world.users, items);
    experiment.begin(Activity::Change { change, mode: Mode::Frozen })?;
    experiment.drive(&Runner::new())?;
    Ok(experiment.receipts().pop().expect("the change was carried out"))
}

/// The receipt of an operator who serves something else, sealed as only the operator can.
pub fn of_fake(world: &World, receipt: &Receipt, served: &Serving) -> Receipt {
    let mut forged = receipt.clone();
    for record in &mut forged.shards {
        if let (Some(after), Some(weights)) = (&mut record.after, served.weights(record.shard)) {
            after.weights = weights;
        }
    }
    forged.combiner.after = Some(served.prepared.digest());
    let salt = Secret::derive(world.before.pipeline.rows(), world.settings.seed.into()).salt(1);
    forged.bound = forged.own_bound(&salt);
    forged.reseal()
}

/// The whole verification against the rows before.
pub fn verdict(world: &World, receipt: &Receipt) -> ultrare::Result<Verdict> {
    let mut experiment = Experiment::new();
    experiment.verify_rows(std::slice::from_ref(receipt), world.before.pipeline.rows())?;
    let notices = experiment.drive(&Runner::new())?;
    let found = notices.into_iter().find_map(|notice| match notice {
        Notice::Verified { verdict } => Some(verdict),
        _ => None,
    });
    Ok(found.expect("a verification ends with a verdict"))
}
