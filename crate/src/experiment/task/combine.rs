//! What the combiner needs before it can score.

use serde_bytes::ByteBuf;

use crate::combine::{CombineConfig, CombinerRows, CombinerUser, Ensemble, Prepared, prepare_again};
use crate::error::Result;
use crate::experiment::job::{CombineJob, Outcome, UserTable, encode};

use super::evaluate::ensemble;
use super::{Step, Task};

pub(super) struct Combine {
    ensemble: Ensemble,
    users: UserTable,
    config: CombineConfig,
    seed: u64,
    previous: Option<Prepared>,
    outcome: Vec<u8>,
}

impl Combine {
    pub(super) fn new(job: CombineJob) -> Result<Self> {
        job.users.check(job.n_items, job.members.len())?;
        let ensemble = ensemble(&job.members, job.n_items)?;
        let previous = job.previous.and_then(|bytes| Prepared::from_bytes(&bytes).ok());
        let (users, config, seed) = (job.users, job.config, job.seed);
        Ok(Combine { ensemble, users, config, seed, previous, outcome: Vec::new() })
    }
}

impl Task for Combine {
    fn step(&mut self) -> Result<Step> {
        let table = &self.users;
        let span = |starts: &[u32], user: usize| starts[user] as usize..starts[user + 1] as usize;
        // The combiner gets training and validation rows apart; joint, mean and own look at neither.
        let apart: Vec<(Vec<u32>, Vec<f32>, Vec<u32>)> = (0..table.len())
            .map(|user| {
                let (mut items, mut values, mut validation) = (Vec::new(), Vec::new(), Vec::new());
                for row in span(&table.starts, user) {
                    if table.validation[row] {
                        validation.push(table.items[row]);
                    } else {
                        items.push(table.items[row]);
                        values.push(table.values[row]);
                    }
                }
                (items, values, validation)
            })
            .collect();
        let users = apart
            .iter()
            .enumerate()
            .map(|(user, (items, values, validation))| CombinerUser {
                items,
                values,
                validation,
                own: &table.own[span(&table.own_starts, user)],
            })
            .collect();
        let prepared =
            prepare_again(&self.ensemble, &self.config, self.seed, &CombinerRows { users }, self.previous.as_ref())?;
        let note = prepared.note().map(str::to_owned);
        self.outcome = encode(&Outcome::Combine { prepared: ByteBuf::from(prepared.to_bytes()), note });
        Ok(Step { done: true, progress: 1.0, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(self.outcome)
    }
}
