//! Four detectors, asked the same question: is what serves not what never held the forgotten?

use ultrare::evaluate::{Asked, Interval, auc_difference, membership, place_between};

use crate::fake::{Fake, fake};
use crate::serving::Serving;
use crate::world::World;

const RESAMPLES: u32 = 1000;
const CONFIDENCE: f32 = 0.95;

/// What the detectors saw in one run.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Is the AUC outside the twin's own interval? The two are taken for strangers.
    pub apart: bool,
    /// AUC minus that of the twin, over the same people.
    pub difference: Interval,
    /// On the way from the twin (0) to the original (1).
    pub place: Interval,
    /// AUC of what serves and of the twin.
    pub auc: (f64, f64),
}

impl Seen {
    /// The verdict of the library: what serves is not in the twin's place.
    pub fn alarms(&self) -> bool {
        !(self.place.low..=self.place.high).contains(&0.0)
    }

    /// The paired AUCs differ.
    pub fn differs(&self) -> bool {
        !(self.difference.low..=self.difference.high).contains(&0.0)
    }

    /// Nearer to the original than to the twin.
    pub fn nearer_the_original(&self) -> bool {
        self.place.mean > 0.5
    }
}

/// Statistics of those who are forgotten and of those who were never in.
struct Groups(Vec<f64>, Vec<f64>);

impl Groups {
    fn asked(&self) -> Asked<'_> {
        Asked { deleted: &self.0, outsiders: &self.1 }
    }
}

/// What three ensembles tell of the same people: the one that serves, the twin, the original.
pub fn look(world: &World, served: &Serving, twin: &Serving, original: &Serving) -> Seen {
    let gaps = [served, twin, original].map(|serving| serving.ask(&world.visits));
    let everywhere = |person: usize| gaps.iter().all(|gaps| gaps.get(person).is_some_and(Option::is_some));
    let people: Vec<usize> = (0..gaps[0].len()).filter(|&person| everywhere(person)).collect();
    let groups = gaps.each_ref().map(|gaps| {
        let of = |inside: bool| {
            people.iter().filter(|&&person| (person < world.deleted) == inside).filter_map(|&at| gaps[at]).collect()
        };
        Groups(of(true), of(false))
    });
    let [served, twin, original] = groups.each_ref().map(Groups::asked);
    let seed = u64::from(world.settings.seed);
    let auc = |of: Asked<'_>| {
        membership(of.deleted, of.outsiders, RESAMPLES, CONFIDENCE, seed).expect("there are people in both groups").auc
    };
    let (one, other) = (auc(served), auc(twin));
    let nowhere = Interval::default();
    Seen {
        apart: !(other.low..=other.high).contains(&one.mean),
        difference: auc_difference(served, twin, RESAMPLES, CONFIDENCE, seed).unwrap_or(nowhere),
        place: place_between(served, twin, original, RESAMPLES, CONFIDENCE, seed).unwrap_or(nowhere),
        auc: (one.mean, other.mean),
    }
}

/// The honest run of a world, then each fake that there is for its combiner.
pub fn all(world: &World) -> ultrare::Result<Vec<(Option<Fake>, Seen)>> {
    let (original, twin) = (Serving::honest(&world.before), Serving::honest(&world.twin));
    let mut seen = vec![(None, look(world, &Serving::honest(&world.after), &twin, &original))];
    for kind in Fake::ALL.into_iter().filter(|kind| kind.applies(world.settings.combine.method)) {
        let faked = fake(world, kind)?;
        seen.push((Some(kind), look(world, &faked.served, &Serving::honest(&faked.twin), &original)));
    }
    Ok(seen)
}
