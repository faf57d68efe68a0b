//! Runs to rates: how often each detector sees each fake, and how often it cries at honest forgetting.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use ultrare::combine::CombineMethod;
use ultrare::interactions::Size;

use crate::detect::{Seen, all};
use crate::fake::{Fake, fake};
use crate::receipts::{honest, of_fake, verdict};
use crate::world::{Setup, World};

/// Ten samples, ten seeds.
pub const SEEDS: std::ops::RangeInclusive<u32> = 1..=10;
/// Where the detectors are compared: so many of the honest runs may be cried at.
const LEVELS: [f64; 4] = [0.0, 0.05, 0.1, 0.2];
/// The row of honest forgetting.
const HONEST: &str = "honest forgetting";

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub seed: u32,
    pub combiner: CombineMethod,
    /// None: honest.
    pub fake: Option<Fake>,
    pub seen: Seen,
    /// Does `verify` refuse its receipt?
    pub refused: bool,
}

/// All runs of the seeds, in their order. Seeds run beside each other.
pub fn measure(
    seeds: impl IntoIterator<Item = u32>,
    combiners: &[CombineMethod],
    show: bool,
) -> ultrare::Result<Vec<Outcome>> {
    let left = Mutex::new(seeds.into_iter().collect::<Vec<u32>>());
    let done = Mutex::new(Vec::new());
    let next = || left.lock().expect("nobody panics with it").pop();
    let work = || -> ultrare::Result<()> {
        while let Some(seed) = next() {
            let found = of_seed(seed, combiners)?;
            done.lock().expect("nobody panics with it").extend(found);
        }
        Ok(())
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        hands.into_iter().try_for_each(|hand| hand.join().expect("a worker does not panic"))
    })?;
    let mut runs = done.into_inner().expect("nobody panics with it");
    runs.sort_by_key(|run: &Outcome| (run.seed, run.combiner as u8, run.fake));
    for Outcome { seed, combiner, fake, seen, refused } in runs.iter().filter(|_| show) {
        let Seen { difference: d, place: p, auc, .. } = seen;
        let name = fake.map_or(HONEST, Fake::name);
        println!(
            "{seed} {:<9} {name:<34} auc {:.3} twin {:.3} difference {:+.4} ({:+.4} to {:+.4}) place {:+.3} ({:+.3} to {:+.3}) \
             refused {refused}",
            combiner.as_str(),
            auc.0,
            auc.1,
            d.mean,
            d.low,
            d.high,
            p.mean,
            p.low,
            p.high
        );
    }
    Ok(runs)
}

fn of_seed(seed: u32, combiners: &[CombineMethod]) -> ultrare::Result<Vec<Outcome>> {
    let setup = Setup::new(Size::Small.config(1), 10, 32, seed);
    let mut runs = Vec::new();
    for world in World::of_each(&setup, combiners)? {
        let combiner = world.settings.combine.method;
        let refusals = refusals(&world)?;
        for (fake, seen) in all(&world)? {
            runs.push(Outcome { seed, combiner, fake, seen, refused: refusals[&fake] });
        }
    }
    Ok(runs)
}

/// What `verify` says of the honest receipt and of each fake's.
pub fn refusals(world: &World) -> ultrare::Result<BTreeMap<Option<Fake>, bool>> {
    let plain = honest(world, &[])?;
    let with_item = honest(world, std::slice::from_ref(&world.item))?;
    let mut refused = BTreeMap::from([(None, !verdict(world, &plain)?.ok)]);
    for kind in Fake::ALL.into_iter().filter(|kind| kind.applies(world.settings.combine.method)) {
        let faked = fake(world, kind)?;
        let receipt = if faked.items.is_empty() { &plain } else { &with_item };
        refused.insert(Some(kind), !verdict(world, &of_fake(world, receipt, &faked.served))?.ok);
    }
    Ok(refused)
}

/// So many of so many, with the interval of Wilson (1927) at 95%.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    pub of: u32,
    pub seen: u32,
    pub low: f64,
    pub high: f64,
}

impl Rate {
    fn new(runs: &[&Outcome], seen: impl Fn(&Outcome) -> bool) -> Rate {
        const Z: f64 = 1.959_964;
        let (of, seen) = (runs.len() as u32, runs.iter().filter(|run| seen(run)).count() as u32);
        let (n, p) = (f64::from(of.max(1)), f64::from(seen) / f64::from(of.max(1)));
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // Three digits are more than ten seeds carry.
        let digits = |x: f64| (x.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
        Rate { of, seen, low: digits(middle - half), high: digits(middle + half) }
    }

    fn words(&self) -> String {
        let percent = |x: f64| format!("{:.0}", x * 100.0);
        match self.of {
            0 => "–".to_owned(),
            _ => format!("{}/{} ({}–{}%)", self.seen, self.of, percent(self.low), percent(self.high)),
        }
    }
}

/// One row: what was done, and who saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    /// `verify` on the receipt.
    pub verify: Rate,
    /// The audit's verdict: not in the twin's place on the way to the original.
    pub audit: Rate,
    /// The AUCs of the same people differ from the twin's.
    pub paired: Rate,
    /// The AUC is outside the twin's own interval, as if the people were others.
    pub unpaired: Rate,
    /// Nearer the original than the twin.
    pub nearer: Rate,
    /// The audit's verdict by combiner.
    pub combiners: BTreeMap<String, Rate>,
}

/// Detection over all fakes where both may cry at the same share of honest runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Share of honest runs.
    pub false_alarms: f64,
    /// By how far the AUC is above the twin's.
    pub difference: Rate,
    /// By the place on the way from the twin to the original: three samples.
    pub place: Rate,
}

/// Everything that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub command: String,
    pub seeds: u32,
    pub lines: Vec<Line>,
    pub curve: Vec<Level>,
}

impl Table {
    pub fn of(runs: &[Outcome]) -> Table {
        let kinds = std::iter::once(None).chain(Fake::ALL.map(Some));
        let lines = kinds.map(|kind| {
            let own: Vec<&Outcome> = runs.iter().filter(|run| run.fake == kind).collect();
            let combiner = |method: CombineMethod| {
                let of: Vec<&Outcome> = own.iter().copied().filter(|run| run.combiner == method).collect();
                (method.as_str().to_owned(), Rate::new(&of, |run| run.seen.alarms()))
            };
            Line {
                name: kind.map_or(HONEST, Fake::name).to_owned(),
                verify: Rate::new(&own, |run| run.refused),
                audit: Rate::new(&own, |run| run.seen.alarms()),
                paired: Rate::new(&own, |run| run.seen.differs()),
                unpaired: Rate::new(&own, |run| run.seen.apart),
                nearer: Rate::new(&own, |run| run.seen.nearer_the_original()),
                combiners: CombineMethod::ALL.into_iter().map(combiner).collect(),
            }
        });
        let lines = lines.collect();
        let (honest, faked): (Vec<&Outcome>, Vec<&Outcome>) = runs.iter().partition(|run| run.fake.is_none());
        let (difference, place) = (|run: &Outcome| run.seen.difference.mean, |run: &Outcome| run.seen.place.mean);
        let at = |level: f64, score: &dyn Fn(&Outcome) -> f64| {
            let mut scores: Vec<f64> = honest.iter().map(|run| score(run)).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            let threshold = scores.get((level * scores.len() as f64) as usize).copied().unwrap_or(f64::NEG_INFINITY);
            Rate::new(&faked, |run| score(run) > threshold)
        };
        let curve = LEVELS.map(|false_alarms| Level {
            false_alarms,
            difference: at(false_alarms, &difference),
            place: at(false_alarms, &place),
        });
        let seeds = runs.iter().map(|run| run.seed).collect::<std::collections::BTreeSet<_>>().len() as u32;
        let command = "cargo run --release -p ultrare --example fakes".to_owned();
        Table { command, seeds, lines, curve: curve.into() }
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and words") + "\n"
    }

    pub fn markdown(&self) -> String {
        let mut text = String::from("| what was done | `verify` refuses | audit | ");
        let methods = CombineMethod::ALL.map(CombineMethod::as_str);
        let _ = writeln!(text, "{} |\n|---|---|---|{}", methods.join(" | "), "---|".repeat(methods.len()));
        for line in &self.lines {
            let own = methods.map(|name| match line.combiners.get(name).filter(|rate| rate.of > 0) {
                Some(rate) => format!("{}/{}", rate.seen, rate.of),
                None => "–".to_owned(),
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                line.name,
                line.verify.words(),
                line.audit.words(),
                own.join(" | ")
            );
        }
        let _ = writeln!(
            text,
            "\n| what was done | place (verdict) | paired AUC | AUC alone | nearer the original |\n|---|---|---|---|---|"
        );
        for Line { name, audit, paired, unpaired, nearer, .. } in &self.lines {
            let words = [audit, paired, unpaired, nearer].map(Rate::words);
            let _ = writeln!(text, "| {name} | {} |", words.join(" | "));
        }
        let _ = writeln!(text, "\n| cries at honest runs | sees by paired AUC | sees by place |\n|---|---|---|");
        for level in &self.curve {
            let percent = level.false_alarms * 100.0;
            let _ =
                writeln!(text, "| {percent:.0}% at most | {} | {} |", level.difference.words(), level.place.words());
        }
        text
    }
}
