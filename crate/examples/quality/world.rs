//! Rows with two held-out parts: one to choose settings by, one that nobody looks at while choosing.

use std::collections::BTreeMap;
use std::error::Error;

use std::sync::Arc;

use ultrare::combine::{CombineConfig, CombinerRows, Ensemble, Member, Scorer, UserRows, prepare};
use ultrare::evaluate::{EvaluateConfig, evaluate_user};
use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};
use ultrare::numerics::random::{Purpose, keyed_fraction, keyed_hash};

use crate::pairs::{Pairs, shard_rows};

/// Share of rows that choose, and of those that measure.
const CHOOSE: f64 = 0.1;
const MEASURE: f64 = 0.15;
/// Scores looked at for figures, and people measured at least and at most: where people have few rows, it takes many to tell.
const SCORES: usize = 20_000_000;
const PEOPLE: (usize, usize) = (1_000, 10_000);

pub struct World {
    pub train: Pairs,
    pub n_items: u32,
    /// (user, training items, items that choose, items that measure), by user.
    pub people: Vec<Person>,
}

pub struct Person {
    pub user: u32,
    pub seen: Vec<u32>,
    pub choose: Vec<u32>,
    pub measure: Vec<u32>,
}

/// NDCG@20 of the people who have rows of the part, in order.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub choose: Vec<f64>,
    pub measure: Vec<f64>,
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl World {
    pub fn new(pairs: &Pairs, test: Option<&Pairs>) -> World {
        let (mut train, mut choose, mut measure) = (Vec::new(), Vec::new(), Vec::new());
        for &pair in pairs {
            let key: [&[u8]; 2] = [&pair.0.to_le_bytes(), &pair.1.to_le_bytes()];
            let at = keyed_fraction(5, Purpose::Selection, &key);
            if at < CHOOSE {
                choose.push(pair);
            } else if test.is_none() && at < CHOOSE + MEASURE {
                measure.push(pair);
            } else {
                train.push(pair);
            }
        }
        measure.extend(test.into_iter().flatten());
        let n_items = pairs.iter().chain(test.into_iter().flatten()).map(|pair| pair.1 + 1).max().unwrap_or(0);
        let mut users: Vec<u32> = train.iter().map(|pair| pair.0).collect();
        users.dedup();
        users.sort_by_key(|user| keyed_hash(5, Purpose::Selection, &[&user.to_le_bytes()]));
        users.truncate((SCORES / n_items.max(1) as usize).clamp(PEOPLE.0, PEOPLE.1));
        let of = |pairs: &Pairs, user: u32| -> Vec<u32> {
            let from = pairs.partition_point(|pair| pair.0 < user);
            pairs[from..].iter().take_while(|pair| pair.0 == user).map(|pair| pair.1).collect()
        };
        let person = |&user: &u32| Person {
            user,
            seen: of(&train, user),
            choose: of(&choose, user),
            measure: of(&measure, user),
        };
        World { n_items, people: users.iter().map(person).collect(), train }
    }

    /// The figures of anything that scores.
    pub fn figures(&self, mut score: impl FnMut(&Person, &mut [f32])) -> Figures {
        let config = EvaluateConfig { cutoffs: vec![20], ..EvaluateConfig::default() };
        let mut out = Figures::default();
        let mut scores = vec![0.0; self.n_items as usize];
        let mut masked;
        for person in &self.people {
            score(person, &mut scores);
            masked = scores.clone();
            if !person.choose.is_empty() {
                out.choose.push(evaluate_user(&mut masked, &person.seen, &person.choose, &config).get(0, 0));
            }
            if !person.measure.is_empty() {
                // Rows that chose are no candidates for what measures.
                let mut seen = [&person.seen[..], &person.choose[..]].concat();
                seen.sort_unstable();
                out.measure.push(evaluate_user(&mut scores, &seen, &person.measure, &config).get(0, 0));
            }
        }
        out
    }

    /// Popularity's.
    pub fn popularity(&self) -> Figures {
        let mut counts = vec![0.0f32; self.n_items as usize];
        self.train.iter().for_each(|pair| counts[pair.1 as usize] += 1.0);
        self.figures(|_, scores| scores.copy_from_slice(&counts))
    }

    /// One model on everything: its figures, its epochs, the seconds of its training.
    pub fn single(&self, config: &ModelConfig) -> Result<(Figures, u32, f64), Box<dyn Error>> {
        let (rows, users, items) = shard_rows(&self.train, 1);
        let began = std::time::Instant::now();
        let mut trainer = trainer(rows, config, 1, 0)?;
        let mut epochs = 0;
        while trainer.stopped().is_none() {
            epochs = trainer.step()?.epoch;
        }
        let model = trainer.finish();
        let seconds = began.elapsed().as_secs_f64();
        let mut local = vec![0.0; items.len()];
        let figures = self.figures(|person, scores| {
            scores.fill(f32::NEG_INFINITY);
            let at = users.binary_search(&person.user).expect("everybody has training rows");
            model.score(&model.user(at as u32), &mut local);
            items.iter().zip(&local).for_each(|(&item, &score)| scores[item as usize] = score);
        });
        Ok((figures, epochs, seconds))
    }
}

impl World {
    /// Sub-models of random shards, with settings from each one's rows.
    pub fn shards(&self, shards: usize, model: ModelName) -> Result<Vec<Member>, Box<dyn Error>> {
        let mut users: Vec<u32> = self.train.iter().map(|pair| pair.0).collect();
        users.dedup();
        let n = users.len();
        users.sort_by_key(|user| keyed_hash(1, Purpose::Partition, &[&user.to_le_bytes()]));
        let shard_of: BTreeMap<u32, usize> =
            users.iter().enumerate().map(|(rank, &user)| (user, rank * shards / n)).collect();
        let mut members = Vec::new();
        for shard in 0..shards {
            let pairs: Pairs = self.train.iter().copied().filter(|pair| shard_of[&pair.0] == shard).collect();
            let (rows, _, items) = shard_rows(&pairs, 1);
            let rows = ShardRows { shards: shards as u32, ..rows };
            let mut trainer = trainer(rows, &ModelConfig::of(model), 1, shard as u32)?;
            while trainer.stopped().is_none() {
                trainer.step()?;
            }
            members.push(Member { model: Arc::from(trainer.finish()), items, rows: pairs.len() as u32 });
        }
        Ok(members)
    }

    /// An ensemble's figures.
    pub fn ensemble(&self, members: &[Member], combine: &CombineConfig) -> Result<Figures, Box<dyn Error>> {
        let ensemble = Ensemble::new(members.to_vec(), self.n_items)?;
        let prepared = prepare(&ensemble, combine, 1, &CombinerRows::default())?;
        let mut scorer = Scorer::new(&ensemble, &prepared)?;
        let values = vec![1.0; self.n_items as usize];
        Ok(self.figures(|person, scores| {
            let rows = UserRows { items: &person.seen, values: &values[..person.seen.len()], own: &[] };
            scorer.score(&rows, scores);
        }))
    }
}
