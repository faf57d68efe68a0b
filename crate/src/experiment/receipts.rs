//! Receipts: written when a request was carried out, checked by training again.

use std::sync::Arc;

use crate::error::Result;
use crate::evaluate::Interval;
use crate::interactions::Interactions;
use crate::partition::Method;
use crate::pipeline::{Assignment, Dataset, Pipeline, Settings, Shards, Store, Trained};
use crate::unlearn::evidence::{DataRecord, Evidence, Forgotten, Scope};
use crate::unlearn::json::Value;
use crate::unlearn::receipt::{Change, Division, Order, PartitionRecord, Protocol, ShardRecord, code_version};
use crate::unlearn::salt::{Salt, Side};
use crate::unlearn::verify::{Recomputed, RecomputedShard, check_alone, check_chain, check_rows, open_chain};
use crate::unlearn::{self, Mode, Places, Proposal, Receipt, Taint, Verdict};

use super::{Experiment, ExperimentError};

/// What a receipt says about the rows, made while both sides are still there.
pub(super) struct Draft {
    protocol: Protocol,
    request: Forgotten,
    data: DataRecord,
    partition: PartitionRecord,
    shards: Vec<ShardRecord>,
    combiner: Change,
    taints: Vec<Taint>,
    salt: Salt,
}

fn layout(assignment: &Assignment) -> unlearn::Layout<'_> {
    unlearn::Layout { shards: assignment.shards, shard_of_row: &assignment.shard_of_row }
}

fn division(pipeline: &Pipeline, assignment: &Assignment) -> Result<Division> {
    let digest = assignment.digest(pipeline.rows(), pipeline.dataset().active());
    Ok(Division { digest, places: Places::of(pipeline.rows(), &layout(assignment))? })
}

impl Experiment {
    /// Receipts of the changes that were carried out on these rows, the first first.
    pub fn receipts(&self) -> Vec<Receipt> {
        let parsed = |text: &String| Receipt::parse(text).expect("it was written or checked here");
        self.history.receipts.iter().map(parsed).collect()
    }

    /// The part of a receipt that needs the rows from before. The first of a chain hashes all rows, later ones what changed.
    /// None for a change that adds rows.
    pub(super) fn draft(&self, proposal: &Proposal) -> Result<Option<Draft>> {
        let (before, after, store) = (&proposal.before, &proposal.after, &self.store);
        let rows = before.rows();
        let request = &proposal.change.forget;
        let found = request.resolve(rows);
        if found.rows.len() + after.rows().rows().len() != rows.rows().len() || !proposal.change.add.is_empty() {
            return Ok(None);
        }
        let (was, is) = (before.divided(store), after.divided(store));
        let (was, is) = (was.expect("it served"), is.expect("it is built"));
        let salt = self.history.salt.unwrap_or_else(|| Salt::derive(rows, self.settings.seed.into()));
        let last = self.receipts().pop();
        let evidence = Evidence {
            request,
            found: &found,
            before: rows,
            layout_before: layout(&was.assignment),
            after: after.rows(),
            layout_after: layout(&is.assignment),
            salt: &salt,
            scope: Scope::Touched,
            known: last.as_ref().map(|receipt| &receipt.data.after),
        };
        let (forgotten, data) = evidence.record()?;
        let members = (before.sub_models(store), after.sub_models(store));
        let shard = |shard: usize| {
            let (was, is) = (&data.before.shards[shard], &data.after.shards[shard]);
            let member = |of: &[Option<&Arc<Trained>>]| of.get(shard).copied().flatten().cloned();
            let trained = member(&members.1);
            ShardRecord {
                shard: shard as u32,
                touched: was != is,
                rows_before: was.by_user.rows,
                rows_after: is.by_user.rows,
                weights: Change {
                    before: member(&members.0).map(|trained| trained.digest),
                    after: trained.as_ref().map(|trained| trained.digest),
                },
                epochs: trained.as_ref().map_or(0, |trained| trained.epochs),
                stop: trained.as_ref().map(|trained| trained.stop),
            }
        };
        let combiner = |pipeline: &Pipeline| pipeline.combined(store).map(|combined| combined.prepared.digest);
        let named = request.users.len() + request.items.len() + request.interactions.len();
        Ok(Some(Draft {
            protocol: Protocol {
                order: if named > 1 { Order::Batch } else { Order::OneByOne },
                mode: proposal.mode,
                slices: self.settings.slices(),
            },
            shards: (0..data.after.shards.len()).map(shard).collect(),
            partition: PartitionRecord {
                method: method_name(&self.settings),
                before: division(before, &was.assignment)?,
                after: division(after, &is.assignment)?,
            },
            combiner: Change { before: combiner(before), after: combiner(after) },
            request: forgotten,
            data,
            taints: proposal.plan.taints.clone(),
            salt,
        }))
    }

    /// Adds the receipt to the chain. The figures are those of now.
    pub(super) fn write_receipt(&mut self, draft: Option<Draft>) -> Result<()> {
        let Some(draft) = draft else { return Ok(()) };
        let finite = |interval: &Interval| [interval.mean, interval.low, interval.high].iter().all(|v| v.is_finite());
        let results = self.records.iter().filter_map(|(name, record)| Some((name, record.result.as_ref()?)));
        let metrics = results.map(|(name, result)| {
            let figures = result.metrics.clone().into_iter().filter(|(_, interval)| finite(interval)).collect();
            (name.clone(), figures)
        });
        let seconds = [("unlearn", self.history.changed.until_serving()), ("train", self.history.built.train)];
        let seconds = seconds.into_iter().filter(|(_, value)| value.is_finite());
        let last = self.receipts().pop();
        let receipt = Receipt {
            format: String::new(),
            version: 0,
            code: code_version(),
            number: self.history.receipts.len() as u32 + 1,
            previous: last.map(|receipt| receipt.digest),
            seed: self.settings.seed.into(),
            config: Value::of(self.settings.as_ref()).expect("settings have a JSON form"),
            protocol: draft.protocol,
            request: draft.request,
            data: draft.data,
            partition: draft.partition,
            shards: draft.shards,
            combiner: draft.combiner,
            metrics: metrics.collect(),
            seconds: seconds.map(|(name, value)| (name.to_owned(), value)).collect(),
            taints: draft.taints,
            digest: crate::Digest::default(),
        };
        self.history.receipts.push(receipt.seal()?.to_json());
        self.history.salt = Some(draft.salt);
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

        let places = &last.partition.after.places;
        let after = pipeline(opened.rows, settings(last)?)?;
        let made = after.settings().partition.method != Method::File;
        // A partition that was made again is made again here; a frozen one is taken as it was.
        let after = if made && last.protocol.mode == Mode::Refit {
            after
        } else {
            let shard_of_row = places.shard_of_row(after.rows())?;
            let assignment = Assignment { shards: places.shards, shard_of_row };
            after.with_shards(Shards::Kept(assignment.into(), Default::default()))
        };
        let is_first = first.number == 1 && matches!(first.data.seals.open(rows), Some((_, Side::Before)));
        if is_first && made {
            let opened = first.open(rows)?;
            let verdict = verdict.and(check_rows(first, &opened));
            let before = Some(pipeline(rows.clone(), settings(first)?)?);
            return Ok(Verification { verdict, before, after });
        }
        Ok(Verification { verdict, before: None, after })
    }
}

/// Rows that were read and split already, under the settings of a receipt.
fn pipeline(rows: Interactions, settings: Settings) -> Result<Pipeline> {
    let dataset = Dataset::as_split(rows);
    Ok(Pipeline::new(Arc::new(dataset), Arc::new(settings), Shards::Computed))
}

/// What training again gave.
pub(super) fn recomputed(pipeline: &Pipeline, store: &Store) -> Recomputed {
    let shard = |member: Option<&Arc<Trained>>| RecomputedShard {
        weights: member.map(|trained| trained.digest),
        epochs: member.map_or(0, |trained| trained.epochs),
        stop: member.map(|trained| trained.stop),
    };
    let settings = pipeline.settings();
    let (config, seed) = (&settings.evaluate, u64::from(settings.seed));
    let report = pipeline
        .metrics(store)
        .and_then(|metrics| crate::evaluate::report(&metrics, &[], pipeline.n_items(), config, seed).ok());
    // What was unlearned there is what was built from the remaining rows here.
    let figures = report.map(|report| ("unlearned".to_owned(), report.metrics));
    Recomputed {
        config: Value::of(settings.as_ref()).expect("settings have a JSON form"),
        seed,
        partition: pipeline.partition_digest(store).expect("the pipeline is built"),
        shards: pipeline.sub_models(store).into_iter().map(shard).collect(),
        combiner: pipeline.combined(store).map(|combined| combined.prepared.digest),
        metrics: figures.into_iter().collect(),
    }
}

/// A verification under way: what could be said without training, and what to build to say the rest.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Digests, chain, proofs of absence, rows.
    pub verdict: Verdict,
    /// To be built from the rows before all changes, where those were given.
    pub before: Option<Pipeline>,
    /// To be built from the rows after all changes.
    pub after: Pipeline,
}

/// The settings a receipt was made with: read and split the rows with them before verifying.
///
/// Errors: settings that this version does not know.
pub fn settings(receipt: &Receipt) -> Result<Settings> {
    let refuse = |error: serde_json::Error| {
        ExperimentError::Unusable(format!("the receipt's settings are not known to this version: {error}"))
    };
    Ok(serde_json::from_str(&receipt.config.to_json()).map_err(refuse)?)
}

fn method_name(settings: &Settings) -> String {
    match Value::of(&settings.partition.method) {
        Some(Value::Text(name)) => name,
        _ => unreachable!("a method is written as its name"),
    }
}
