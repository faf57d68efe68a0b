//! One thing at a time: what is asked while another runs waits here, and each is told its own end.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::{Error, Result};
use crate::pipeline::{JobOut, PipelineError, Runner, Slot, Store};

use super::verify::Verify;
use super::work::{Asked, Current, Pursuit, Then, What, Work};
use super::{Activity, Experiment, Notice, Spent};

/// What is under way, and what waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    current: Option<Current>,
    waiting: VecDeque<Asked>,
    /// What has happened and was not yet told.
    told: Vec<Notice>,
    next_ticket: u32,
    next_id: u32,
}

impl Queue {
    /// What is under way or waits first.
    fn activity_name(&self) -> Option<&'static str> {
        let current = self.current.as_ref().map(|current| current.work.name());
        current.or_else(|| self.waiting.front().map(|asked| asked.what.name()))
    }

    /// Time that went by, not on anything else than what is under way.
    pub fn tick(&mut self, seconds: f64) {
        if let Some(Current { work: Work::Pursuit(pursuit), .. }) = &mut self.current {
            pursuit.run.tick(seconds);
        }
    }

    /// What time goes by for, and for which pipeline: the jobs that are out, or making them.
    pub fn under_way(&self) -> Option<(Spent, String)> {
        let around = || self.running().then(|| (Spent::Jobs, String::new()));
        match self.current.as_ref().map(|current| &current.work) {
            Some(Work::Pursuit(pursuit)) => match pursuit.run.stage_out() {
                Some(stage) => Some((stage.into(), pursuit.run.hints.name.clone())),
                None => around(),
            },
            Some(Work::Verify(_)) => Some((Spent::Verify, "verify".to_owned())),
            Some(Work::Rehearsal(_)) => Some((Spent::Audit, "audit".to_owned())),
            None => around(),
        }
    }

    fn running(&self) -> bool {
        self.current.is_some() || !self.waiting.is_empty()
    }

    /// The bytes that a job which is out names by their digest.
    pub fn blob(&self, digest: &Digest, store: &Store) -> Option<Arc<ByteBuf>> {
        match &self.current.as_ref()?.work {
            Work::Pursuit(pursuit) => pursuit.run.blob(digest, pursuit.store.as_ref().unwrap_or(store)),
            Work::Verify(verify) => verify.blob(digest),
            Work::Rehearsal(rehearsal) => rehearsal.blob(digest),
        }
    }

    /// Puts a part of a sequence in front of whatever waits.
    pub fn first(&mut self, asked: Asked) {
        self.waiting.push_front(asked);
    }

    pub fn tell(&mut self, notice: impl Into<Notice>) {
        self.told.push(notice.into());
    }
}

impl Experiment {
    /// Asks for something and gives its ticket. Where nothing else runs it is checked and begun here; else it waits, and
    /// what is wrong with it is told when its turn comes, by [`Notice::Refused`] with its ticket. Its end is told by
    /// [`Notice::Finished`].
    ///
    /// Errors: no rows yet; nothing trained yet; a change that is refused. Nothing has changed then.
    pub fn begin(&mut self, activity: Activity) -> Result<u32> {
        self.enqueue(What::Activity(activity))
    }

    /// Asks for a check of receipts.
    pub(super) fn begin_check(&mut self, verify: Verify) -> Result<u32> {
        self.enqueue(What::Verify(Box::new(verify)))
    }

    pub(super) fn enqueue(&mut self, what: What) -> Result<u32> {
        self.doing(Spent::Jobs);
        let ticket = self.queue.next_ticket;
        self.queue.next_ticket += 1;
        let asked = Asked { ticket, what, last: true, part: false };
        if self.running() {
            self.queue.waiting.push_back(asked);
        } else {
            self.launch(asked)?;
            // Where nothing is left to do, no job's outcome will end it.
            self.settle();
        }
        Ok(ticket)
    }

    fn launch(&mut self, asked: Asked) -> Result<()> {
        let Asked { ticket, what, last, part } = asked;
        let work = match what {
            What::Activity(Activity::Sequence { sequence, mode, twin }) => {
                return self.enqueue_sequence(ticket, sequence, mode, twin);
            }
            What::Activity(Activity::Audit { change, mode, person }) => {
                Work::Rehearsal(Box::new(self.rehearsal(&change, mode, person.as_deref())?))
            }
            What::Activity(activity) => {
                let name = activity.name().to_owned();
                match self.start(activity)? {
                    Some(pursuit) => Work::Pursuit(Box::new(pursuit)),
                    None => {
                        self.queue.tell(Notice::Finished { activity: name, ticket });
                        return Ok(());
                    }
                }
            }
            What::Proposal(proposal, goal) => Work::Pursuit(Box::new(self.pursue(*proposal, goal)?)),
            What::Verify(verify) => Work::Verify(verify),
        };
        self.queue.current = Some(Current { ticket, last, part, work });
        Ok(())
    }

    /// Drops what runs and what is queued. The experiment is as it was before; of a sequence, what was carried out stays
    /// and the rest is pending.
    pub fn cancel(&mut self) {
        self.queue.current = None;
        self.queue.waiting.clear();
        self.queue.told.clear();
        self.tidy();
    }

    /// Drops what has this ticket, whether it is under way or waits; what else was asked for goes on. As with
    /// [`Experiment::cancel`], of a sequence what was carried out stays. Is it too late, nothing happens.
    pub fn cancel_ticket(&mut self, ticket: u32) {
        self.queue.waiting.retain(|asked| asked.ticket != ticket);
        if self.ticket() == Some(ticket) {
            self.queue.current = None;
            self.tidy();
            self.settle();
        }
    }

    /// The ticket of what is under way.
    pub fn ticket(&self) -> Option<u32> {
        self.queue.current.as_ref().map(|current| current.ticket)
    }

    /// Is work under way or queued?
    pub fn running(&self) -> bool {
        self.queue.running()
    }

    pub(super) fn activity_name(&self) -> Option<&'static str> {
        self.queue.activity_name()
    }

    /// Jobs that can run now. Each is handed out once; a job whose worker died is simply run again from its bytes.
    ///
    /// Work that cannot go on ends here, with [`Notice::Refused`].
    pub fn jobs(&mut self) -> Vec<JobOut> {
        self.doing(Spent::Jobs);
        while let Some(current) = &mut self.queue.current {
            let ids = &mut self.queue.next_id;
            let made = match &mut current.work {
                Work::Pursuit(pursuit) => {
                    let store = pursuit.store.as_mut().unwrap_or(&mut self.store);
                    let made = pursuit.run.jobs(store, ids);
                    // Whoever watches learns of a stage when it begins, not when the first of its jobs is done.
                    if made.as_ref().is_ok_and(|jobs| !jobs.is_empty()) {
                        self.queue.told.extend(pursuit.run.progress().map(Notice::Work));
                    }
                    made
                }
                Work::Verify(verify) => verify.jobs(ids),
                Work::Rehearsal(rehearsal) => rehearsal.jobs(ids),
            };
            match made {
                Ok(jobs) if jobs.is_empty() && current.work.done(&self.store) => {
                    self.tell_recalled();
                    self.settle();
                }
                Ok(jobs) => {
                    self.tell_recalled();
                    return jobs;
                }
                Err(error) => {
                    let (ticket, name) = (current.ticket, current.work.name());
                    self.queue.current = None;
                    self.refuse(ticket, name, &error);
                    self.settle();
                }
            }
        }
        Vec::new()
    }

    /// Takes the outcome of a job that ran for `seconds`. May make further jobs ready, or end the activity. Gives what has
    /// happened since it was last asked.
    ///
    /// Errors: a job that is not waited for; bytes that are no outcome of it. Neither changes anything.
    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<Vec<Notice>> {
        let unknown = PipelineError::UnknownJob { id };
        let under_way = self.queue.under_way();
        let current = self.queue.current.as_mut().ok_or(unknown)?;
        match &mut current.work {
            Work::Pursuit(pursuit) => {
                let store = pursuit.store.as_mut().unwrap_or(&mut self.store);
                let (slot, events) = pursuit.run.accept(id, outcome, seconds, store)?;
                let notice = self.told_of(slot);
                self.queue.told.extend(notice);
                self.queue.told.extend(events.into_iter().map(Notice::Work));
            }
            Work::Verify(verify) => {
                let events = verify.accept(id, outcome, seconds)?;
                self.queue.told.extend(events.into_iter().map(Notice::Work));
            }
            Work::Rehearsal(rehearsal) => {
                let events = rehearsal.accept(id, outcome, seconds)?;
                self.queue.told.extend(events.into_iter().map(Notice::Work));
            }
        }
        self.note_job(under_way, seconds);
        self.settle();
        Ok(self.notices())
    }

    /// Outcomes that were kept elsewhere are told as any others.
    fn tell_recalled(&mut self) {
        let Some(Current { work: Work::Pursuit(pursuit), .. }) = &mut self.queue.current else { return };
        for (slot, events) in pursuit.run.take_recalled() {
            let notice = self.told_of(slot);
            self.queue.told.extend(notice);
            self.queue.told.extend(events.into_iter().map(Notice::Work));
        }
    }

    /// What an outcome of the pipeline under way means to whoever watches.
    fn told_of(&self, slot: Slot) -> Option<Notice> {
        let Some(Current { work: Work::Pursuit(pursuit), .. }) = &self.queue.current else { return None };
        let (pipeline, store) = (&pursuit.run.pipeline, pursuit.store.as_ref().unwrap_or(&self.store));
        match slot {
            Slot::Partition => self.partition_view(pipeline, store).map(|partition| Notice::Divided { partition }),
            Slot::Train(shard) => {
                let shard = self.shard_view(pipeline, store, shard, None);
                Some(Notice::Trained { pipeline: pursuit.run.hints.name.clone(), shard })
            }
            _ => None,
        }
    }

    /// What has happened since it was last asked, for activities that end without a job.
    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.queue.told)
    }

    /// Gives a runner the inputs of a job that it lacks.
    ///
    /// Errors: a job of something that is not under way any more.
    pub fn supply(&self, job: &JobOut, runner: &Runner) -> Result<()> {
        for digest in runner.lacking(&job.inputs) {
            let lacking = || PipelineError::Lacking { digest: digest.to_string() };
            runner.put(digest, self.blob(&digest).ok_or_else(lacking)?);
        }
        Ok(())
    }

    /// Runs a job here and now and gives its outcome, for [`Experiment::accept`].
    ///
    /// Errors: those of the work itself.
    pub fn run(&self, job: &JobOut, runner: &Runner) -> Result<Vec<u8>> {
        self.supply(job, runner)?;
        runner.run(&job.body)
    }

    /// Carries out what was begun, here and now, one job after the other. What whoever watches should know comes back.
    ///
    /// What waits and is refused when its turn comes is told by [`Notice::Refused`].
    ///
    /// Errors: those of the first job that fails; what was under way or waits is cancelled then.
    pub fn drive(&mut self, runner: &Runner) -> Result<Vec<Notice>> {
        let mut notices = self.notices();
        while self.running() {
            for job in self.jobs() {
                let outcome = self.run(&job, runner).and_then(|outcome| self.accept(job.id, &outcome, 0.0));
                match outcome {
                    Ok(more) => notices.extend(more),
                    Err(error) => {
                        self.cancel();
                        return Err(error);
                    }
                }
            }
            notices.extend(self.notices());
        }
        notices.extend(self.notices());
        Ok(notices)
    }

    /// Ends what has reached its goal and begins what waits, until something needs a job or nothing is left.
    fn settle(&mut self) {
        loop {
            match self.queue.current.take() {
                Some(current) if current.work.done(&self.store) => self.end(current),
                Some(current) => {
                    self.queue.current = Some(current);
                    return;
                }
                None => {
                    let Some(next) = self.queue.waiting.pop_front() else { return };
                    let (ticket, name) = (next.ticket, next.what.name());
                    if let Err(error) = self.launch(next) {
                        self.refuse(ticket, name, &error);
                    }
                }
            }
        }
    }

    fn end(&mut self, current: Current) {
        self.doing(Spent::Figures);
        let Current { ticket, last, part, work } = current;
        let name = work.name();
        let ended = match work {
            Work::Pursuit(pursuit) => match self.land(*pursuit, part) {
                // A series goes on with its next pipeline.
                Ok(Some(next)) => {
                    self.queue.current = Some(Current { ticket, last, part, work: Work::Pursuit(Box::new(next)) });
                    return;
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
            Work::Verify(verify) => {
                self.queue.tell(Notice::Verified { verdict: verify.verdict() });
                Ok(())
            }
            Work::Rehearsal(rehearsal) => {
                self.conclude(*rehearsal);
                Ok(())
            }
        };
        match ended {
            Ok(()) if last => {
                let activity = if part { "sequence" } else { name }.to_owned();
                self.queue.tell(Notice::Finished { activity, ticket });
            }
            Ok(()) => {}
            Err(error) => self.refuse(ticket, name, &error),
        }
    }

    /// A pipeline has reached its goal. Gives the next one of its series, if there is one.
    fn land(&mut self, pursuit: Pursuit, part: bool) -> Result<Option<Pursuit>> {
        let Pursuit { run, store, then } = pursuit;
        let name = run.hints.name.clone();
        let rows = self.wanted.as_ref().map_or(0, |wanted| wanted.rows().rows().len()) as u32;
        match then {
            Then::Build => self.serve(run, store),
            Then::Change(proposal) => {
                self.commit(*proposal, &run)?;
                if part {
                    self.note_change(rows);
                }
            }
            Then::Record => self.keep(&run),
            Then::Twin => {
                self.compare_twin(&run, store.as_ref().expect("a twin has a store of its own"));
                if part {
                    self.note_twin();
                }
            }
            Then::Series { name, current, rest } => {
                self.note(current, &run);
                return self.series(name, rest);
            }
        }
        let name = if name == "original" || name == "unlearned" { self.serving_name().to_owned() } else { name };
        if let Some(result) = self.records.get(&name).and_then(|record| record.result.clone()) {
            self.queue.tell(Notice::Evaluated { pipeline: name, result });
        }
        Ok(None)
    }

    /// Whoever waits for the ticket is told; what else belongs to it is not tried.
    fn refuse(&mut self, ticket: u32, activity: &str, error: &Error) {
        self.queue.waiting.retain(|asked| asked.ticket != ticket);
        let (activity, code) = (activity.to_owned(), error.code().to_owned());
        self.queue.tell(Notice::Refused { activity, ticket, code, message: error.to_string() });
    }
}
