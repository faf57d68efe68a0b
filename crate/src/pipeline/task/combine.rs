//! What the combiner needs before it can score.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::combine::{CombineConfig, CombinerRows, CombinerUser, Prepared, prepare_again};
use crate::error::Result;
use crate::pipeline::job::{CombineJob, Outcome, UserTable, encode};

use super::served::Served;
use super::{Step, Task};

pub(super) struct Combine {
    served: Arc<Served>,
    users: UserTable,
    config: CombineConfig,
    seed: u64,
    previous: Option<Prepared>,
    outcome: Vec<u8>,
}

impl Combine {
    /// `previous`: the bytes of the combiner before, to save time.
    pub(super) fn new(job: CombineJob, served: Arc<Served>, previous: Option<&[u8]>) -> Result<Self> {
        served.check(&job.users)?;
        let previous = previous.and_then(|bytes| Prepared::from_bytes(bytes).ok());
        let (users, config, seed) = (job.users, job.config, job.seed);
        Ok(Combine { served, users, config, seed, previous, outcome: Vec::new() })
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
        let prepared = prepare_again(
            &self.served.ensemble,
            &self.config,
            self.seed,
            &CombinerRows { users },
            self.previous.as_ref(),
        )?;
        let note = prepared.note().map(str::to_owned);
        self.outcome = encode(&Outcome::Combine { prepared: ByteBuf::from(prepared.to_bytes()), note });
        Ok(Step { done: true, progress: 1.0, events: Vec::new() })
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(self.outcome)
    }
}
