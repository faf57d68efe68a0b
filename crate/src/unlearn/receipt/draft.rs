//! Writing a receipt: first what needs the rows of both sides, then what is known only later.

use std::collections::BTreeMap;

use super::assignment::Assigned;
use super::change::{Asked, Exchange, Names};
use super::error::{ReceiptError, SideError};
use super::evidence::{DataRecord, record};
use super::json::Value;
use super::record::{Combiner, Metrics, Order, PartitionRecord, Protocol, Receipt, ShardRecord};
use super::salt::{Salt, Secret};
use super::side::Side;
use super::version::{FORMAT, VERSION, code_version};
use crate::numerics::digest::Digest;
use crate::unlearn::{Mode, Taint};

/// What a receipt says about the rows, made while both sides are still there. Holds no id.
#[derive(Clone, Debug)]
pub struct Draft {
    number: u32,
    previous: Option<Digest>,
    request: Asked,
    change: Exchange,
    data: DataRecord,
    before: Assigned,
    after: Assigned,
    shards: Vec<ShardRecord>,
    combiner: Combiner,
    salt: Salt,
}

/// What the caller says about a change; [`verify`](super::verify) asks for most of it again ([`Rules`](super::Rules)).
#[derive(Clone, Debug)]
pub struct Facts {
    /// The seed.
    pub seed: u64,
    /// Every setting as resolved.
    pub settings: Value,
    /// How the files were read.
    pub reading: Value,
    /// The partition's name in the settings.
    pub method: String,
    /// What was asked to happen to the partition.
    pub mode: Mode,
    /// Was the partition made again?
    pub divided_again: bool,
    /// Slices per shard, 0 without checkpoints.
    pub slices: u32,
    /// Stages that may still depend on what was forgotten.
    pub taints: Vec<Taint>,
    /// Figures; those named `unlearned` are measured again at verification, all others are stated.
    pub metrics: Metrics,
    /// Wall times by name.
    pub seconds: BTreeMap<String, f64>,
}

impl Draft {
    /// Hashes and proves: about ten SHA-256 blocks per row. `previous` is the last receipt of the chain.
    ///
    /// Errors: shards that are not of their rows; not the same number of shards on both sides.
    pub fn new(
        before: &Side<'_>,
        after: &Side<'_>,
        names: &Names<'_>,
        secret: &Secret,
        previous: Option<&Receipt>,
    ) -> Result<Draft, SideError> {
        before.placed.check()?;
        after.placed.check()?;
        let shards = before.placed.shards as usize;
        if [after.placed.shards as usize, before.sub_models.len(), after.sub_models.len()] != [shards; 3] {
            return Err(SideError("not the same number of shards and sub-models before and after".to_owned()));
        }
        let number = previous.map_or(1, |previous| previous.number.saturating_add(1));
        let salt = secret.salt(number);
        let change = Exchange::between(before.placed.rows, after.placed.rows, &salt);
        let data = record(&before.placed, &after.placed, &change, &salt, number);
        let shard = |at: usize| {
            let (was, is) = (&data.before.shards[at], &data.after.shards[at]);
            ShardRecord {
                shard: at as u32,
                touched: was != is,
                rows_before: was.by_user.rows,
                rows_after: is.by_user.rows,
                before: before.sub_models[at],
                after: after.sub_models[at],
            }
        };
        Ok(Draft {
            number,
            previous: previous.map(|previous| previous.digest),
            request: Asked::of(names, before.placed.rows, &salt),
            shards: (0..shards).map(shard).collect(),
            before: Assigned::of(&before.placed, &salt),
            after: Assigned::of(&after.placed, &salt),
            combiner: Combiner { before: before.combiner, after: after.combiner },
            change,
            data,
            salt,
        })
    }

    /// Did any shard's rows change? Else nothing was trained, and nothing can be tainted.
    pub fn touches(&self) -> bool {
        self.shards.iter().any(|shard| shard.touched)
    }

    /// The receipt. Figures that are not finite are left out, since JSON has no such number.
    pub fn finish(self, facts: Facts) -> Result<Receipt, ReceiptError> {
        let finite = |arm: BTreeMap<String, _>| -> BTreeMap<String, _> {
            let whole = |figure: &crate::evaluate::Interval| {
                [figure.mean, figure.low, figure.high].iter().all(|v| v.is_finite())
            };
            arm.into_iter().filter(|(_, figure)| whole(figure)).collect()
        };
        let receipt = Receipt {
            format: FORMAT.to_owned(),
            version: VERSION,
            code: code_version(),
            number: self.number,
            previous: self.previous,
            seed: facts.seed,
            settings: facts.settings,
            reading: facts.reading,
            protocol: Protocol {
                order: order(&self.request),
                mode: facts.mode,
                divided_again: facts.divided_again,
                slices: facts.slices,
            },
            request: self.request,
            change: self.change,
            data: self.data,
            partition: PartitionRecord { method: facts.method, before: self.before, after: self.after },
            shards: self.shards,
            combiner: self.combiner,
            metrics: facts.metrics.into_iter().map(|(arm, figures)| (arm, finite(figures))).collect(),
            seconds: facts.seconds.into_iter().filter(|(_, seconds)| seconds.is_finite()).collect(),
            taints: facts.taints,
            stated: Vec::new(),
            bound: Digest::default(),
            digest: Digest::default(),
            signature: None,
        };
        receipt.seal(&self.salt)
    }
}

/// How many names make a batch.
pub(super) fn order(request: &Asked) -> Order {
    if request.len() > 1 { Order::Batch } else { Order::OneByOne }
}
