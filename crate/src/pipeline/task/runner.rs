//! Whoever runs jobs: keeps the large inputs that they name, within a bound, and what was read back from them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;
use crate::numerics::crew::{Alone, Crew};
use crate::pipeline::job::{Body, EnsembleParts, decode};
use crate::pipeline::{Blob, PipelineError};

use super::served::Served;
use super::{Task, audit, baseline, cluster, combine, embed, evaluate, train, verdicts};

/// Bytes of inputs that are kept where nobody says otherwise.
const ROOM: usize = 512 << 20;

/// Runs jobs. One for each worker, or one shared by all threads of a process. Nothing it keeps changes an outcome.
pub struct Runner {
    /// Who helps with a job, where there is nothing else to do.
    crew: Arc<dyn Crew>,
    state: Mutex<State>,
    /// Held while an ensemble is read back, so that threads that need the same one read it once.
    reading: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// By digest, with when it was last used.
    inputs: BTreeMap<Digest, (Blob, u64)>,
    uses: u64,
    /// The ensemble read back last: many jobs in a row need the same one.
    served: Option<Resident>,
}

struct Resident {
    /// The ensemble, and its combiner.
    of: (Digest, Option<Digest>),
    /// All that it was made of: none of it needs to be kept beside it.
    inputs: Vec<Digest>,
    served: Arc<Served>,
}

impl Default for Runner {
    fn default() -> Self {
        Runner::new()
    }
}

impl Runner {
    /// Keeps nothing yet.
    pub fn new() -> Self {
        Runner::with_crew(Arc::new(Alone))
    }

    /// A job may be worked on by all of these hands. Its outcome has the same bits.
    pub fn with_crew(crew: Arc<dyn Crew>) -> Self {
        Runner { crew, state: Mutex::default(), reading: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the inputs")
    }

    /// Which of a job's inputs have to be given before it can run.
    pub fn lacking(&self, inputs: &[Digest]) -> Vec<Digest> {
        let state = self.state();
        if state.served.as_ref().is_some_and(|resident| inputs.iter().all(|input| resident.inputs.contains(input))) {
            return Vec::new();
        }
        inputs.iter().filter(|input| !state.inputs.contains_key(*input)).copied().collect()
    }

    /// Takes an input. The digest is believed: whoever gives the bytes has hashed them. When more is kept than there is
    /// room for, what was not used for the longest time goes.
    pub fn put(&self, digest: Digest, bytes: Arc<ByteBuf>) {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        state.inputs.insert(digest, (Blob { digest, bytes }, now));
        let mut room: usize = state.inputs.values().map(|(blob, _)| blob.bytes.len()).sum();
        while room > ROOM && state.inputs.len() > 1 {
            let oldest = state.inputs.values().min_by_key(|(_, used)| *used).map(|(blob, _)| blob.digest);
            let oldest = oldest.expect("there is more than one");
            let (blob, _) = state.inputs.remove(&oldest).expect("it was just found");
            room -= blob.bytes.len();
        }
    }

    /// Starts a job. What is wrong with it is said here, before any work.
    ///
    /// Errors: an input that was not given; bytes that are no job; settings out of range.
    pub fn task(&self, body: &[u8]) -> Result<Box<dyn Task>> {
        Ok(match decode::<Body>(body, "a job")? {
            Body::Embed(job) => Box::new(embed::Embed::new(job, &self.crew)?),
            Body::Cluster(job) => Box::new(cluster::Cluster::new(job)?),
            Body::Train(job) => Box::new(train::Train::new(job, &self.crew)?),
            Body::Combine(job) => {
                let served = self.served(job.ensemble, None)?;
                // A hint: without it the job takes longer.
                let previous = job.previous.and_then(|digest| self.input(&digest).ok());
                Box::new(combine::Combine::new(job, served, previous.as_ref().map(|blob| blob.bytes.as_slice()))?)
            }
            Body::Evaluate(job) => {
                let served = self.served(job.ensemble, Some(job.prepared))?;
                Box::new(evaluate::Evaluate::new(job, served)?)
            }
            Body::Verdicts(job, seed) => {
                let served = self.served(job.ensemble, Some(job.prepared))?;
                Box::new(verdicts::Ask::new(job, seed, served)?)
            }
            Body::Decompose(job) => Box::new(verdicts::Decompose::new(job)?),
            Body::Baseline(job) => Box::new(baseline::Cheap::new(job)?),
            Body::Audit(job) => {
                let served = self.served(job.ensemble, Some(job.prepared))?;
                Box::new(audit::Audit::new(job, served)?)
            }
        })
    }

    /// Runs a job to its end and gives the outcome's bytes.
    ///
    /// Errors: as [`Runner::task`], and those of the work itself.
    pub fn run(&self, body: &[u8]) -> Result<Vec<u8>> {
        let mut task = self.task(body)?;
        while !task.step()?.done {}
        task.finish()
    }

    fn input(&self, digest: &Digest) -> Result<Blob> {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        let lacking = || PipelineError::Lacking { digest: digest.to_string() };
        let (blob, used) = state.inputs.get_mut(digest).ok_or_else(lacking)?;
        *used = now;
        Ok(blob.clone())
    }

    /// The ensemble, read back once for many jobs. Its bytes are then not needed any more.
    fn served(&self, ensemble: Digest, prepared: Option<Digest>) -> Result<Arc<Served>> {
        let of = (ensemble, prepared);
        // A model that cannot be read is refused, and a thread that panicked in it has left nothing half done.
        let _one_at_a_time = self.reading.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(resident) = self.state().served.as_ref().filter(|resident| resident.of == of) {
            return Ok(resident.served.clone());
        }
        // The one before would stand beside it; whoever still works with it has it.
        self.state().served = None;
        let parts: EnsembleParts = decode(&self.input(&ensemble)?.bytes, "an ensemble")?;
        let served = Arc::new(Served::new(&parts, |digest| self.input(digest), prepared.as_ref())?);
        let mut inputs = vec![ensemble];
        inputs.extend(prepared);
        inputs.extend(parts.members.iter().map(|member| member.weights));
        let mut state = self.state();
        // The combiner's bytes are the largest of all, and are read once.
        if let Some(prepared) = prepared {
            state.inputs.remove(&prepared);
        }
        state.served = Some(Resident { of, inputs, served: served.clone() });
        Ok(served)
    }
}
