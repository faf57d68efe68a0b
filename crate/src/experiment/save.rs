//! The experiment as a file: it can be closed today and asked to forget tomorrow.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::error::Result;
use crate::pipeline::{Dataset, Pipeline, PipelineError, Settings, Shards, Store};
use crate::unlearn::Receipt;

use super::history::History;
use super::load::Source;
use super::record::Record;
use super::{AuditView, Experiment};

/// Marks the file; the digit is the format's version.
const MAGIC: &[u8; 4] = b"URX9";
/// What the bytes are called in a refusal.
const WHAT: &str = "a saved experiment";
/// Bytes of the digest that follows the marks.
const DIGEST: usize = 32;

#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Settings,
    source: Source,
    /// Rows and shards in force.
    wanted: Option<(Arc<Dataset>, Shards)>,
    /// What serves, where it is something else.
    serving: Option<Serving>,
    store: Store,
    records: BTreeMap<String, Record>,
    history: History,
}

#[derive(Serialize, Deserialize)]
enum Serving {
    /// What is wanted.
    Wanted,
    /// Built under other settings, from these or other rows.
    Other(Box<(Settings, Option<Arc<Dataset>>, Shards)>),
}

impl Experiment {
    /// Everything but work under way, as bytes: marks, SHA-256 of the rest, the rest. Holds the rows and their ids, so it
    /// is as private as the file they came from; of forgotten rows it holds nothing.
    pub fn save(&self) -> Vec<u8> {
        let same_rows = |serving: &Pipeline| {
            self.wanted.as_ref().is_some_and(|wanted| Arc::ptr_eq(wanted.dataset(), serving.dataset()))
        };
        let serving = self.serving.as_ref().map(|serving| {
            if self.unchanged() {
                return Serving::Wanted;
            }
            let rows = (!same_rows(serving)).then(|| serving.dataset().clone());
            Serving::Other(Box::new((serving.settings().as_ref().clone(), rows, serving.shards().clone())))
        });
        let mut history = self.history.clone();
        history.audit = history.audit.map(|view| AuditView { person: None, ..view });
        let mut store = self.store.clone();
        if let Some(serving) = &self.serving {
            store.retain(&serving.reachable(&self.store));
        }
        let saved = Saved {
            settings: self.settings.as_ref().clone(),
            source: self.source.clone(),
            wanted: self.wanted.as_ref().map(|wanted| (wanted.dataset().clone(), wanted.shards().clone())),
            serving,
            store,
            records: self.records.clone(),
            history,
        };
        // A million rows make tens of megabytes: written once, where they stay.
        let written = "every part can be written to memory";
        let size = postcard::experimental::serialized_size(&saved).expect(written);
        let mut bytes = Vec::with_capacity(MAGIC.len() + DIGEST + size);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; DIGEST]);
        let mut bytes = postcard::to_extend(&saved, bytes).expect(written);
        let (head, body) = bytes.split_at_mut(MAGIC.len() + DIGEST);
        head[MAGIC.len()..].copy_from_slice(&Digest::of(body).0);
        bytes
    }

    /// Replaces this experiment by a saved one, if its bytes are whole; else nothing changes. What was cut off in keeping is
    /// missing afterwards, and computed again when it is asked for.
    ///
    /// Errors: work under way; bytes of something else, of another version, damaged, or with parts that do not fit together.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.idle("opening an experiment")?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(PipelineError::Foreign { what: WHAT })?;
        let damaged = |reason: &str| PipelineError::Damaged { what: WHAT, reason: reason.to_owned() };
        let (digest, body) =
            rest.split_at_checked(DIGEST).ok_or_else(|| damaged("it breaks off after the first bytes"))?;
        if Digest::of(body).0 != digest {
            return Err(damaged("its bytes do not have the digest it names; it was cut short or changed").into());
        }
        let saved: Saved = postcard::from_bytes(body).map_err(|error| damaged(&error.to_string()))?;
        saved.settings.check()?;
        saved.history.receipts.iter().try_for_each(|text| Receipt::parse(text).map(|_| ()))?;
        let settings = Arc::new(saved.settings);
        let checked = |dataset: Arc<Dataset>, settings: Arc<Settings>, shards: Shards| -> Result<Pipeline> {
            if let Shards::Kept(assignment, _) = &shards {
                assignment.check(dataset.rows()).map_err(|error| damaged(&error.to_string()))?;
            }
            Ok(Pipeline::new(dataset, settings, shards))
        };
        let wanted = saved.wanted.map(|(rows, shards)| checked(rows, settings.clone(), shards)).transpose()?;
        let serving = match saved.serving {
            None => None,
            Some(Serving::Wanted) => wanted.clone(),
            Some(Serving::Other(other)) => {
                let (settings, rows, shards) = *other;
                settings.check()?;
                let rows = rows.or_else(|| wanted.as_ref().map(|wanted| wanted.dataset().clone()));
                let rows = rows.ok_or_else(|| damaged("what serves has no rows"))?;
                Some(checked(rows, Arc::new(settings), shards)?)
            }
        };
        if let Some(serving) = &serving {
            serving.validate_store(&saved.store)?;
        }
        let mut records = saved.records;
        for record in records.values() {
            let Some(serving) = &serving else { return Err(damaged("figures of nobody").into()) };
            serving.validate_metrics(&record.metrics)?;
        }
        let name = if saved.history.last.is_some() { "unlearned" } else { "original" };
        if let (Some(record), Some(serving)) = (records.get_mut(name), &serving) {
            record.pipeline = Some(serving.clone());
        }
        let (watch, queue) = (std::mem::take(&mut self.watch), std::mem::take(&mut self.queue));
        let (source, store, history) = (saved.source, saved.store, saved.history);
        *self = Experiment { settings, wanted, serving, store, records, history, source, queue, watch };
        Ok(())
    }
}
