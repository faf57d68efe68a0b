//! One thing at a time: what is asked while another runs waits here, and each is told its own end.

use crate::error::{Error, Result};
use crate::unlearn::{Mode, Request};

use super::activity::Running;
use super::audit::Audit;
use super::check::Check;
use super::job::{Outcome, decode};
use super::{Activity, Event, Experiment, ExperimentError, JobOut};

/// Something that was asked for. Several may share a ticket: the parts of a sequence.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Names it in the event that ends it.
    pub ticket: u32,
    pub what: What,
    /// Does the ticket end with it?
    pub last: bool,
    /// Is it a part of the sequence under way?
    pub part: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Activity(Activity),
    Check(Box<Check>),
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            What::Activity(activity) => activity.name(),
            What::Check(_) => "verify",
        }
    }
}

/// What is under way, and for whom. Nothing of it reaches the experiment before it is finished, so dropping it cancels it.
#[derive(Clone, Debug)]
pub(super) struct Current {
    ticket: u32,
    last: bool,
    part: bool,
    work: Work,
}

#[derive(Clone, Debug)]
enum Work {
    Arm(Box<Running>),
    Check(Box<Check>),
    Audit(Box<Audit>),
}

impl Work {
    fn name(&self) -> &'static str {
        match self {
            Work::Arm(running) => running.activity.name(),
            Work::Check(_) => "verify",
            Work::Audit(_) => "audit",
        }
    }

    fn done(&self) -> bool {
        match self {
            Work::Arm(running) => running.arm.reached(running.until),
            Work::Check(check) => check.done(),
            Work::Audit(audit) => audit.done(),
        }
    }
}

impl Experiment {
    /// Asks for something and gives its ticket. Where nothing else runs it is checked and begun here; else it waits, and
    /// what is wrong with it is told when its turn comes, by [`Event::Refused`] with its ticket. Its end is told by
    /// [`Event::Finished`].
    ///
    /// Errors: no rows yet; nothing trained yet; a request that is refused. Nothing has changed then.
    pub fn begin(&mut self, activity: Activity) -> Result<u32> {
        self.ask(What::Activity(activity))
    }

    pub(super) fn ask(&mut self, what: What) -> Result<u32> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let asked = Asked { ticket, what, last: true, part: false };
        if self.running() {
            self.queue.push_back(asked);
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
                return self.line_up(ticket, sequence, mode, twin);
            }
            What::Activity(Activity::Forget { request, mode })
                if self.data.is_some() && self.plan(&request, mode)?.everything =>
            {
                return self.forget_all(&request, mode, ticket, last, part);
            }
            What::Activity(Activity::Audit { request, mode, person }) => {
                let mut audit = Box::new(self.rehearsal(request, mode, person.as_deref())?);
                audit.begin()?;
                Work::Audit(audit)
            }
            What::Activity(activity) => {
                let name = activity.name().to_owned();
                let Some(mut running) = self.start(activity)? else {
                    self.told.push(Event::Finished { activity: name, ticket });
                    return Ok(());
                };
                running.arm.label.clone_from(&self.label);
                Work::Arm(Box::new(running))
            }
            What::Check(mut check) => {
                check.begin()?;
                Work::Check(check)
            }
        };
        self.running = Some(Current { ticket, last, part, work });
        Ok(())
    }

    /// A confirmed request for everything has no job, so it ends as it begins.
    fn forget_all(&mut self, request: &Request, mode: Mode, ticket: u32, last: bool, part: bool) -> Result<()> {
        let rows = self.data.as_ref().map_or(0, |data| data.interactions.rows().len()) as u32;
        self.forget_everything(request, mode)?;
        if part {
            self.note_everything(rows);
        }
        if last {
            self.told.push(Event::Finished { activity: "forget".to_owned(), ticket });
        }
        Ok(())
    }

    /// Drops what runs and what is queued. The experiment is as it was before; of a sequence, what was carried out stays
    /// and the rest is pending.
    pub fn cancel(&mut self) {
        self.running = None;
        self.queue.clear();
        self.told.clear();
    }

    /// Is work under way or queued?
    pub fn running(&self) -> bool {
        self.running.is_some() || !self.queue.is_empty()
    }

    pub(super) fn activity_name(&self) -> Option<&'static str> {
        self.running
            .as_ref()
            .map(|current| current.work.name())
            .or_else(|| self.queue.front().map(|asked| asked.what.name()))
    }

    /// Jobs that can run now. Each is handed out once; a job whose worker died is simply run again from its bytes.
    pub fn jobs(&mut self, parallelism: u32) -> Vec<JobOut> {
        let Some(current) = &mut self.running else { return Vec::new() };
        match &mut current.work {
            Work::Arm(running) => {
                let jobs = running.arm.jobs(running.until, &self.config, parallelism, &mut self.next_id, self.clock);
                // Whoever watches learns of a stage when it begins, not when the first of its jobs is done.
                self.told.extend(jobs.first().map(|job| running.arm.progress(job.stage)));
                jobs
            }
            Work::Check(check) => check.jobs(parallelism, &mut self.next_id, self.clock),
            Work::Audit(audit) => audit.jobs(parallelism, &mut self.next_id, self.clock),
        }
    }

    /// Takes the outcome of a job that ran for `seconds`. May make further jobs ready, or end the activity. Gives what has
    /// happened since it was last asked.
    ///
    /// Errors: a job that is not waited for; bytes that are no outcome of it. Neither changes anything.
    pub fn accept(&mut self, id: u32, outcome: &[u8], seconds: f64) -> Result<Vec<Event>> {
        let current = self.running.as_mut().ok_or(ExperimentError::UnknownJob { id })?;
        match &mut current.work {
            Work::Arm(running) => {
                let outcome: Outcome = decode(outcome, "a result")?;
                let events = running.arm.accept(id, outcome, seconds, self.clock, running.until, &self.config)?;
                self.told.extend(events);
            }
            Work::Check(check) => {
                let events = check.accept(id, outcome, seconds, self.clock)?;
                self.told.extend(events);
            }
            Work::Audit(audit) => {
                let events = audit.accept(id, outcome, seconds, self.clock)?;
                self.told.extend(events);
            }
        }
        self.settle();
        Ok(self.events())
    }

    /// What has happened since it was last asked, for activities that end without a job.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }

    /// Ends what has reached its goal and begins what waits, until something needs a job or nothing is left.
    fn settle(&mut self) {
        loop {
            match self.running.take() {
                Some(current) if current.work.done() => self.end(current),
                Some(current) => {
                    self.running = Some(current);
                    return;
                }
                None => {
                    let Some(next) = self.queue.pop_front() else { return };
                    let (ticket, name) = (next.ticket, next.what.name());
                    if let Err(error) = self.launch(next) {
                        self.refuse(ticket, name, &error);
                    }
                }
            }
        }
    }

    fn end(&mut self, current: Current) {
        let Current { ticket, last, part, work } = current;
        let name = work.name();
        let ended = match work {
            Work::Arm(mut running) => {
                let mut events = Vec::new();
                let more = self.go_on(&mut running, &mut events);
                self.told.extend(events);
                match more {
                    // A series goes on with its next arm.
                    Ok(true) => {
                        running.arm.label.clone_from(&self.label);
                        self.running = Some(Current { ticket, last, part, work: Work::Arm(running) });
                        return;
                    }
                    Ok(false) => self.end_arm(*running, part),
                    Err(error) => Err(error),
                }
            }
            Work::Check(check) => {
                self.told.push(Event::Verified { verdict: check.verdict() });
                Ok(())
            }
            Work::Audit(audit) => {
                self.conclude(*audit);
                Ok(())
            }
        };
        match ended {
            Ok(()) if last => {
                let activity = if part { "sequence" } else { name }.to_owned();
                self.told.push(Event::Finished { activity, ticket });
            }
            Ok(()) => {}
            Err(error) => self.refuse(ticket, name, &error),
        }
    }

    fn end_arm(&mut self, running: Running, part: bool) -> Result<()> {
        let (arm, activity) = (running.arm.spec.name.clone(), running.activity.name());
        let rows = self.data.as_ref().map_or(0, |data| data.interactions.rows().len()) as u32;
        self.finish(running)?;
        if let Some(result) = self.figures.results.get(&arm).cloned() {
            self.told.push(Event::Evaluated { arm, result });
        }
        if part {
            self.note_part(activity, rows);
        }
        Ok(())
    }

    /// Whoever waits for the ticket is told; what else belongs to it is not tried.
    fn refuse(&mut self, ticket: u32, activity: &str, error: &Error) {
        self.queue.retain(|asked| asked.ticket != ticket);
        let (activity, code) = (activity.to_owned(), error.code().to_owned());
        self.told.push(Event::Refused { activity, ticket, code, message: error.to_string() });
    }
}
