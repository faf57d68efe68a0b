//! The experiment as a file: it can be closed today and asked to forget tomorrow.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::Result;
use crate::unlearn::Receipt;
use crate::unlearn::receipt::Secret;

use super::arm::{Arm, Before};
use super::data::Data;
use super::load::Source;
use super::sweep::Sweep;
use super::{AuditView, Config, Experiment, ExperimentError, ForgetView, SecondsView, SequenceView, Stage};

/// Marks the file; the digit is the format's version.
const MAGIC: &[u8; 4] = b"URX5";
/// What the bytes are called in a refusal.
pub(super) const WHAT: &str = "a saved experiment";
/// Bytes of the digest that follows the marks.
const DIGEST: usize = 32;

#[derive(Serialize, Deserialize)]
struct Saved {
    config: Config,
    source: Source,
    data: Option<Data>,
    split: Option<Digest>,
    stale: Option<Stage>,
    serving: Option<Arm>,
    others: BTreeMap<String, Arm>,
    before: Option<Before>,
    forgotten: Option<ForgetView>,
    seconds: SecondsView,
    sweep: Sweep,
    /// As JSON: their settings are free in form, which this format is not.
    receipts: Vec<String>,
    secret: Option<Secret>,
    sequence: Option<SequenceView>,
    audit: Option<AuditView>,
}

impl Experiment {
    /// Everything but work under way, as bytes: marks, SHA-256 of the rest, the rest. Holds the rows and their ids, so it
    /// is as private as the file they came from; of forgotten rows it holds nothing.
    pub fn save(&self) -> Vec<u8> {
        let saved = Saved {
            config: self.config.clone(),
            source: self.source.clone(),
            data: self.data.as_deref().cloned(),
            split: self.split,
            stale: self.stale,
            serving: self.serving.clone(),
            others: self.others.clone(),
            before: self.before.clone(),
            forgotten: self.forgotten.clone(),
            seconds: self.seconds.clone(),
            sweep: self.sweep.clone(),
            receipts: self.receipts.iter().map(Receipt::to_json).collect(),
            secret: self.secret,
            sequence: self.sequence.clone(),
            audit: self.audit.clone().map(|view| AuditView { person: None, ..view }),
        };
        // Writing to memory fails only for types postcard cannot express, which any test of saving shows.
        let body = postcard::to_stdvec(&saved).unwrap_or_default();
        [&MAGIC[..], &Digest::of(&body).0, &body].concat()
    }

    /// Replaces this experiment by a saved one, if its bytes are whole; else nothing changes.
    ///
    /// Errors: work under way; bytes of something else, of another version, damaged, or with parts that do not fit together.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.idle("opening an experiment")?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(ExperimentError::Foreign { what: WHAT })?;
        let damaged = |reason: &str| ExperimentError::Damaged { what: WHAT, reason: reason.to_owned() };
        let (digest, body) =
            rest.split_at_checked(DIGEST).ok_or_else(|| damaged("it breaks off after the first bytes"))?;
        if Digest::of(body).0 != digest {
            return Err(damaged("its bytes do not have the digest it names; it was cut short or changed").into());
        }
        let saved: Saved = postcard::from_bytes(body).map_err(|error| damaged(&error.to_string()))?;
        saved.config.check()?;
        let receipts: Result<Vec<Receipt>, _> = saved.receipts.iter().map(|text| Receipt::parse(text)).collect();
        let data = saved.data.map(Arc::new);
        let attach = |mut arm: Arm, serves: bool| -> Result<Arm> {
            arm.data = data.clone().unwrap_or_default();
            arm.check(serves)?;
            Ok(arm)
        };
        let serving = saved.serving.map(|arm| attach(arm, true)).transpose()?;
        let others =
            saved.others.into_iter().map(|(name, arm)| Ok((name, attach(arm, false)?))).collect::<Result<_>>()?;
        *self = Experiment {
            config: saved.config,
            source: saved.source,
            split: saved.split,
            stale: saved.stale,
            serving,
            others,
            before: saved.before,
            forgotten: saved.forgotten,
            seconds: saved.seconds,
            sweep: saved.sweep,
            receipts: receipts?,
            secret: saved.secret,
            sequence: saved.sequence,
            audit: saved.audit,
            next_id: self.next_id,
            next_ticket: self.next_ticket,
            label: self.label.clone(),
            data: data.clone(),
            clock: self.clock,
            positions: self.positions,
            workers: self.workers,
            ..Experiment::default()
        };
        self.refigure(None);
        Ok(())
    }
}
