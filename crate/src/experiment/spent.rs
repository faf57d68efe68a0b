//! Where the time went: whatever goes by between two ticks of the driver's clock has a name, or nothing was under way.

use serde::{Deserialize, Serialize};

use crate::pipeline::Stage;

use super::Experiment;

/// What time is spent on: the jobs of a stage, or what is done around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// Bytes become rows, and rows become train, validation and test.
    Read,
    /// Users become vectors.
    Embed,
    /// Users become shards.
    Partition,
    /// Shards become sub-models.
    Train,
    /// Sub-models become one recommender.
    Combine,
    /// The recommender is measured.
    Evaluate,
    /// Its errors are taken apart.
    Decompose,
    /// Receipts are checked.
    Verify,
    /// A request is rehearsed.
    Audit,
    /// Jobs are made, and their outcomes taken in.
    Jobs,
    /// What is measured becomes figures with their intervals, comparisons and receipts.
    Figures,
    /// A change is looked up and billed.
    Bill,
    /// What is there is put into words and tables.
    Show,
    /// Files are written.
    Write,
}

/// Time spent on one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct SpentView {
    /// On what.
    pub what: Spent,
    /// For which pipeline (`original`, `unlearned`, `retrained`, ...); empty where it was for none or for all.
    pub pipeline: String,
    /// By the wall.
    pub seconds: f64,
    /// Computing seconds, on however many cores: the processor's own where the driver knows them, else how long the jobs ran.
    pub work: f64,
}

/// What a driver's clock shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Seconds on any steady clock.
    pub wall: f64,
    /// Seconds that processors have worked for this process, where that is known.
    pub computed: Option<f64>,
}

impl From<f64> for Moment {
    fn from(wall: f64) -> Self {
        Moment { wall, computed: None }
    }
}

/// Time by name since the rows were loaded. Changes no outcome, and is not saved.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    last: Option<Moment>,
    /// What whatever was done since the last tick was done for, where it is not the jobs that are out.
    doing: Option<Spent>,
    all: Vec<SpentView>,
}

impl Times {
    /// What goes by until the next tick is spent on this. The last word counts, but making jobs hides no figures.
    pub fn doing(&mut self, what: Spent) {
        if !(what == Spent::Jobs && self.doing == Some(Spent::Figures)) {
            self.doing = Some(what);
        }
    }

    pub fn view(&self) -> Vec<SpentView> {
        self.all.clone()
    }

    /// Other rows: what was spent on the last ones is not asked for any more.
    pub fn restart(&mut self) {
        self.all.clear();
    }

    fn add(&mut self, what: Spent, pipeline: &str, seconds: f64, work: f64) {
        let at = self.all.iter().position(|spent| spent.what == what && spent.pipeline == pipeline);
        let at = at.unwrap_or_else(|| {
            self.all.push(SpentView { what, pipeline: pipeline.to_owned(), seconds: 0.0, work: 0.0 });
            self.all.len() - 1
        });
        self.all[at].seconds += seconds;
        self.all[at].work += work;
    }
}

impl Experiment {
    /// Tells the time: seconds on any steady clock, and computing seconds where they are known. Only differences are used, and only
    /// to report them: what goes by while jobs are out belongs to their stage, the rest to what was done since the last tick. So
    /// tell it before and after whatever takes long.
    pub fn tick(&mut self, now: impl Into<Moment>) {
        let now = now.into();
        let last = self.watch.times.last.replace(now);
        let doing = self.watch.times.doing.take();
        let Some(last) = last else { return };
        // Another clock may begin anew.
        let seconds = (now.wall - last.wall).max(0.0);
        let known = now.computed.zip(last.computed).map(|(now, last)| (now - last).max(0.0));
        let (what, pipeline) = match doing {
            Some(what) => (what, String::new()),
            None => match self.queue.under_way() {
                Some(found) => found,
                None => return,
            },
        };
        if doing.is_none() {
            self.queue.tick(seconds);
        }
        if matches!(what, Spent::Jobs | Spent::Figures) {
            self.history.rest_seconds += seconds;
        }
        // Jobs tell for themselves how long they ran, where nobody counts the processor's seconds.
        let in_jobs = !matches!(what, Spent::Read) && what <= Spent::Audit;
        let work = known.unwrap_or(if in_jobs { 0.0 } else { seconds });
        self.watch.times.add(what, &pipeline, seconds, work);
    }

    /// What goes by until the next tick is spent on this, whatever is under way. For what a driver does beside driving.
    pub fn doing(&mut self, what: Spent) {
        self.watch.times.doing(what);
    }

    /// Notes how long the reading took; the reader has no clock.
    pub fn note_read(&mut self, seconds: f64) {
        self.history.read_seconds = seconds;
        self.watch.times.add(Spent::Read, "", seconds, seconds);
    }

    /// A job of what was under way ran for so long.
    pub(super) fn note_job(&mut self, under_way: Option<(Spent, String)>, seconds: f64) {
        let counted = self.watch.times.last.is_none_or(|last| last.computed.is_some());
        if let (false, Some((what, pipeline))) = (counted, under_way) {
            self.watch.times.add(what, &pipeline, 0.0, seconds);
        }
    }
}

impl From<Stage> for Spent {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Read | Stage::Split => Spent::Read,
            Stage::Embed => Spent::Embed,
            Stage::Partition => Spent::Partition,
            Stage::Train => Spent::Train,
            Stage::Combine => Spent::Combine,
            Stage::Evaluate => Spent::Evaluate,
            Stage::Decompose => Spent::Decompose,
        }
    }
}

impl Spent {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Spent::Read => "read",
            Spent::Embed => "embed",
            Spent::Partition => "partition",
            Spent::Train => "train",
            Spent::Combine => "combine",
            Spent::Evaluate => "evaluate",
            Spent::Decompose => "decompose",
            Spent::Verify => "verify",
            Spent::Audit => "audit",
            Spent::Jobs => "jobs",
            Spent::Figures => "figures",
            Spent::Bill => "bill",
            Spent::Show => "show",
            Spent::Write => "write",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Activity;
    use crate::interactions::Size;
    use crate::pipeline::Runner;

    /// A clock that goes on by a second with every look, and a processor that works for two.
    fn driven(computed: bool) -> (Experiment, f64, f64) {
        let mut experiment = Experiment::new();
        let mut looks = 0.0;
        let mut tick = |experiment: &mut Experiment| {
            looks += 1.0;
            experiment.tick(Moment { wall: looks, computed: computed.then_some(2.0 * looks) });
        };
        tick(&mut experiment);
        experiment.load_sample(Size::Small, 1).unwrap();
        experiment.doing(Spent::Read);
        tick(&mut experiment);
        let mut settings = experiment.settings().clone();
        settings.partition.shards = 3;
        settings.model.factors = Some(4);
        experiment.configure(settings).unwrap();
        experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
        tick(&mut experiment);
        let mut ran = 0.0;
        while experiment.running() {
            let jobs = experiment.jobs();
            tick(&mut experiment);
            for job in &jobs {
                let outcome = experiment.run(job, &Runner::new()).unwrap();
                tick(&mut experiment);
                experiment.accept(job.id, &outcome, 0.25).unwrap();
                ran += 0.25;
                tick(&mut experiment);
            }
        }
        (experiment, looks - 1.0, ran)
    }

    #[test]
    fn every_second_has_a_name() {
        for computed in [true, false] {
            let (experiment, wall, ran) = driven(computed);
            let spent = experiment.snapshot().seconds.spent;
            let sum = |of: &dyn Fn(&SpentView) -> f64| spent.iter().map(of).sum::<f64>();
            assert_eq!(sum(&|spent| spent.seconds), wall, "{spent:?}");
            let around = sum(&|spent| {
                if spent.pipeline.is_empty() { spent.seconds } else { 0.0 }
            });
            assert_eq!(sum(&|spent| spent.work), if computed { 2.0 * wall } else { around + ran }, "{spent:?}");
            for what in [Spent::Read, Spent::Partition, Spent::Train, Spent::Evaluate, Spent::Jobs, Spent::Figures] {
                assert!(spent.iter().any(|spent| spent.what == what && spent.seconds > 0.0), "{what:?}: {spent:?}");
            }
        }
    }

    #[test]
    fn what_goes_by_while_nothing_is_under_way_is_nobodys() {
        let (mut experiment, wall, _) = driven(false);
        experiment.tick(1e6);
        experiment.tick(1.0);
        let spent = experiment.snapshot().seconds.spent;
        assert_eq!(spent.iter().map(|spent| spent.seconds).sum::<f64>(), wall);
        experiment.load_sample(Size::Small, 2).unwrap();
        assert!(experiment.snapshot().seconds.spent.is_empty());
    }
}
