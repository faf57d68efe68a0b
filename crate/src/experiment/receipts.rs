//! Receipts: written when a request was carried out, checked by training again.

use std::sync::Arc;

use crate::error::Result;
use crate::evaluate::Interval;
use crate::interactions::{Interactions, split_digest};
use crate::partition::Method;
use crate::unlearn::evidence::{DataRecord, Evidence, Forgotten, Scope};
use crate::unlearn::json::Value;
use crate::unlearn::receipt::{Change, Division, Order, PartitionRecord, Protocol, ShardRecord, code_version};
use crate::unlearn::salt::{Salt, Side};
use crate::unlearn::verify::{
    Recomputed, RecomputedShard, check_alone, check_chain, check_rows, compare, compare_before, open_chain,
};
use crate::unlearn::{self, Mode, Places, Receipt, Request, Taint, Verdict};

use super::arm::{Arm, Trained};
use super::data::Data;
use super::start::slices;
use super::{Config, Experiment, ExperimentError};

/// What a receipt says about the rows, made while both sides are still there.
pub(super) struct Draft {
    protocol: Protocol,
    request: Forgotten,
    data: DataRecord,
    partition: PartitionRecord,
    shards: Vec<ShardRecord>,
    combiner: Change,
    salt: Salt,
}

fn layout(arm: &Arm) -> unlearn::Layout<'_> {
    match &arm.layout {
        Some(layout) => unlearn::Layout { shards: layout.shards, shard_of_row: &layout.shard_of_row },
        None => unlearn::Layout { shards: 0, shard_of_row: &[] },
    }
}

fn division(arm: &Arm) -> Result<Division> {
    let digest = arm.layout.as_ref().map(|layout| layout.digest(&arm.data)).unwrap_or_default();
    Ok(Division { digest, places: Places::of(&arm.data.interactions, &layout(arm))? })
}

impl Experiment {
    /// Receipts of the requests that were carried out on these rows, the first first.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// The part of a receipt that needs the rows from before. The first of a chain hashes all rows, later ones what changed.
    pub(super) fn draft(&self, before: &Arm, after: &Arm, request: &Request, mode: Mode) -> Result<Draft> {
        let rows = &before.data.interactions;
        let salt = self.salt.unwrap_or_else(|| Salt::derive(rows, self.config.seed.into()));
        let evidence = Evidence {
            request,
            found: &request.resolve(rows),
            before: rows,
            layout_before: layout(before),
            after: &after.data.interactions,
            layout_after: layout(after),
            salt: &salt,
            scope: Scope::Touched,
            known: self.receipts.last().map(|receipt| &receipt.data.after),
        };
        let (forgotten, data) = evidence.record()?;
        let shard = |shard: usize| {
            let (was, is) = (&data.before.shards[shard], &data.after.shards[shard]);
            let member = |arm: &Arm| arm.members.get(shard).cloned().flatten();
            let trained = member(after);
            ShardRecord {
                shard: shard as u32,
                touched: was != is,
                rows_before: was.by_user.rows,
                rows_after: is.by_user.rows,
                weights: Change {
                    before: member(before).map(|trained| trained.digest),
                    after: trained.as_ref().map(|trained| trained.digest),
                },
                epochs: trained.as_ref().map_or(0, |trained| trained.epochs),
                stop: trained.as_ref().map(|trained| trained.stop),
            }
        };
        let named = request.users.len() + request.items.len() + request.interactions.len();
        Ok(Draft {
            protocol: Protocol {
                order: if named > 1 { Order::Batch } else { Order::OneByOne },
                mode,
                slices: slices(&self.config),
            },
            shards: (0..data.after.shards.len()).map(shard).collect(),
            partition: PartitionRecord {
                method: method_name(&self.config),
                before: division(before)?,
                after: division(after)?,
            },
            combiner: Change { before: before.prepared_digest, after: after.prepared_digest },
            request: forgotten,
            data,
            salt,
        })
    }

    /// Adds the receipt to the chain. The figures are those of now.
    pub(super) fn write_receipt(&mut self, draft: Draft, taints: Vec<Taint>) -> Result<()> {
        let finite = |interval: &Interval| [interval.mean, interval.low, interval.high].iter().all(|v| v.is_finite());
        let metrics = self.figures.results.clone().into_iter().map(|(arm, result)| {
            let figures = result.metrics.into_iter().filter(|(_, interval)| finite(interval)).collect();
            (arm, figures)
        });
        let seconds = [("unlearn", self.seconds.unlearn), ("train", self.seconds.train)];
        let seconds = seconds.into_iter().filter(|(_, value)| value.is_finite());
        let receipt = Receipt {
            format: String::new(),
            version: 0,
            code: code_version(),
            number: self.receipts.len() as u32 + 1,
            previous: self.receipts.last().map(|receipt| receipt.digest),
            seed: self.config.seed.into(),
            config: Value::of(&self.config).unwrap_or_default(),
            protocol: draft.protocol,
            request: draft.request,
            data: draft.data,
            partition: draft.partition,
            shards: draft.shards,
            combiner: draft.combiner,
            metrics: metrics.collect(),
            seconds: seconds.map(|(name, value)| (name.to_owned(), value)).collect(),
            taints,
            digest: crate::Digest::default(),
        };
        self.receipts.push(receipt.seal()?);
        self.salt = Some(draft.salt);
        Ok(())
    }

    /// Begins the verification of a chain's last receipt. `rows` are those of the file, read and split as the receipt's
    /// settings say, before or after the requests.
    ///
    /// Errors: no receipt; rows that do not belong to it; settings that this code does not know.
    pub fn verification(receipts: &[Receipt], rows: &Interactions) -> Result<Verification> {
        let none = || ExperimentError::Unusable("give at least one receipt".to_owned());
        let (first, last) = (receipts.first().ok_or_else(none)?, receipts.last().ok_or_else(none)?);
        let opened = open_chain(receipts, rows).ok_or_else(none)??;
        let alone = receipts.iter().map(check_alone).fold(Verdict { ok: true, ..Verdict::default() }, Verdict::and);
        // A later receipt alone is a chain with a beginning that is elsewhere.
        let alone = if first.number == 1 { alone.and(check_chain(receipts)) } else { alone };
        let verdict = alone.and(check_rows(last, &opened));

        let mut after = Experiment::with_rows(settings(last)?, opened.rows)?;
        let made = after.config.partition.method != Method::File;
        // A partition that was made again is made again here; a frozen one is taken as it was.
        if !(made && last.protocol.mode == Mode::Refit) {
            after.freeze(&last.partition.after.places)?;
        }
        let is_first = first.number == 1 && matches!(first.data.seals.open(rows), Some((_, Side::Before)));
        let before = if is_first && made {
            let opened = first.open(rows)?;
            let verdict = check_rows(first, &opened);
            Some((verdict, Experiment::with_rows(settings(first)?, rows.clone())?))
        } else {
            None
        };
        let (verdict, before) = match before {
            Some((rows, experiment)) => (verdict.and(rows), Some(experiment)),
            None => (verdict, None),
        };
        Ok(Verification { verdict, before, after })
    }

    pub(super) fn with_rows(config: Config, rows: Interactions) -> Result<Experiment> {
        let mut experiment = Experiment::new();
        experiment.configure(config)?;
        experiment.split = Some(split_digest(&rows));
        experiment.data = Some(Arc::new(Data::new(rows)));
        Ok(experiment)
    }

    /// What building `after` gave, against what the receipt says.
    ///
    /// Errors: it is not built yet.
    pub fn verdict(&self, receipt: &Receipt) -> Result<Verdict> {
        Ok(compare(receipt, &self.recomputed()?))
    }

    /// What building `before` gave, against what the chain's first receipt says.
    ///
    /// Errors: it is not built yet.
    pub fn verdict_before(&self, receipt: &Receipt) -> Result<Verdict> {
        Ok(compare_before(receipt, &self.recomputed()?))
    }

    fn recomputed(&self) -> Result<Recomputed> {
        let arm = self.trained("a verdict")?;
        let shard = |member: &Option<Trained>| RecomputedShard {
            weights: member.as_ref().map(|trained| trained.digest),
            epochs: member.as_ref().map_or(0, |trained| trained.epochs),
            stop: member.as_ref().map(|trained| trained.stop),
        };
        // What was unlearned there is what was built from the remaining rows here.
        let figures =
            self.figures.results.get("original").map(|result| ("unlearned".to_owned(), result.metrics.clone()));
        Ok(Recomputed {
            config: Value::of(&self.config).unwrap_or_default(),
            seed: self.config.seed.into(),
            partition: arm.layout.as_ref().map(|layout| layout.digest(&arm.data)).unwrap_or_default(),
            shards: arm.members.iter().map(shard).collect(),
            combiner: arm.prepared_digest,
            metrics: figures.into_iter().collect(),
        })
    }
}

/// A verification under way: what could be said without training, and what to build to say the rest.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Digests, chain, proofs of absence, rows.
    pub verdict: Verdict,
    /// To be built from the rows before all requests, where those were given; then [`Experiment::verdict_before`] with the
    /// first receipt.
    pub before: Option<Experiment>,
    /// To be built from the rows after all requests; then [`Experiment::verdict`] with the last receipt.
    pub after: Experiment,
}

/// The settings a receipt was made with: read and split the rows with them before verifying.
///
/// Errors: settings that this version does not know.
pub fn settings(receipt: &Receipt) -> Result<Config> {
    let refuse = |error: serde_json::Error| {
        ExperimentError::Unusable(format!("the receipt's settings are not known to this version: {error}"))
    };
    Ok(serde_json::from_str(&receipt.config.to_json()).map_err(refuse)?)
}

fn method_name(config: &Config) -> String {
    match Value::of(&config.partition.method) {
        Some(Value::Text(name)) => name,
        _ => String::new(),
    }
}
