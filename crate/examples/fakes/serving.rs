//! What an operator serves, honest or not, and what visitors find out about it.

use std::sync::Arc;

use ultrare::Digest;
use ultrare::combine::{CombinerRows, CombinerUser, Ensemble, Member, Prepared, Scorer, UserRows, prepare};
use ultrare::evaluate::{gap, popularity_order};
use ultrare::interactions::Fate;
use ultrare::model::{SubModel, load};
use ultrare::numerics::random::{Purpose, StreamKey};
use ultrare::pipeline::{Pipeline, trains};
use ultrare::unlearn::audit::{ROUNDS, Visit};

use crate::world::Built;

/// One shard's sub-model, by what its items are called.
#[derive(Clone)]
pub struct Part {
    pub shard: u32,
    pub model: Arc<dyn SubModel>,
    pub items: Vec<String>,
    pub rows: u32,
    /// As a receipt states it.
    pub weights: Digest,
}

/// Something that serves. The catalogue and the rows are those of `of`.
#[derive(Clone)]
pub struct Serving {
    pub of: Pipeline,
    pub parts: Vec<Part>,
    pub ensemble: Ensemble,
    pub prepared: Prepared,
    /// Is not listed, whatever its score.
    pub hidden: Option<String>,
}

/// The sub-models of a pipeline.
pub fn parts(built: &Built) -> Vec<Part> {
    let divided = built.pipeline.divided(&built.store).expect("it is built");
    let ids = built.pipeline.rows().items();
    let part = |shard: u32| {
        let trained = built.pipeline.sub_model(shard, &built.store).expect("it is built");
        let own = &divided.shards[shard as usize];
        Part {
            shard,
            model: Arc::from(load(&trained.weights.bytes).expect("it was trained here")),
            items: own.items.iter().map(|&item| ids.get(item).to_owned()).collect(),
            rows: own.n_rows,
            weights: trained.digest,
        }
    };
    divided.present().into_iter().map(part).collect()
}

fn ensemble(of: &Pipeline, parts: &[Part]) -> Ensemble {
    let ids = of.rows().items();
    let number = |id: &String| ids.find(id).expect("the catalogue holds every shard's items");
    let member = |part: &Part| Member {
        model: part.model.clone(),
        items: part.items.iter().map(number).collect(),
        rows: part.rows,
    };
    Ensemble::new(parts.iter().map(member).collect(), of.n_items()).expect("each list is its sub-model's")
}

impl Serving {
    /// What a pipeline serves.
    pub fn honest(built: &Built) -> Serving {
        let combined = built.pipeline.combined(&built.store).expect("it is built");
        let prepared = Prepared::from_bytes(&combined.prepared.bytes).expect("it was prepared here");
        Serving::with(built.pipeline.clone(), parts(built), prepared)
    }

    /// These sub-models under a combiner that is there already.
    pub fn with(of: Pipeline, parts: Vec<Part>, prepared: Prepared) -> Serving {
        let ensemble = ensemble(&of, &parts);
        Serving { of, parts, ensemble, prepared, hidden: None }
    }

    /// These sub-models under a combiner that is fitted to them on the rows of `rows`, in the catalogue of `of`.
    pub fn fitted(of: Pipeline, parts: Vec<Part>, rows: &Built) -> Serving {
        let ensemble = ensemble(&of, &parts);
        let (data, divided) = (rows.pipeline.rows(), rows.pipeline.divided(&rows.store).expect("it is built"));
        let number = |item: u32| of.rows().items().find(data.items().get(item)).expect("its items are no more");
        type Apart = (Vec<u32>, Vec<f32>, Vec<u32>, Vec<(u16, u32)>);
        let person = |user: u32| -> Apart {
            let (mut items, mut values, mut validation, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for row in data.rows_of(user) {
                match row.fate {
                    Fate::Test => {}
                    Fate::Validation => validation.push(number(row.item)),
                    Fate::Train => {
                        items.push(number(row.item));
                        values.push(row.value);
                    }
                }
            }
            // A sub-model that was kept numbers its users as it did: only one that holds these rows knows them by number.
            for (member, part) in parts.iter().enumerate() {
                let users = &divided.shards[part.shard as usize].users;
                if part.model.n_users() == users.len() {
                    own.extend(users.binary_search(&user).ok().map(|local| (member as u16, local as u32)));
                }
            }
            (items, values, validation, own)
        };
        let people: Vec<Apart> = rows.pipeline.dataset().active().iter().map(|&user| person(user)).collect();
        let users =
            people.iter().map(|(items, values, validation, own)| CombinerUser { items, values, validation, own });
        let training = CombinerRows { users: users.collect() };
        let settings = of.settings();
        let prepared = prepare(&ensemble, &settings.combine, settings.seed.into(), &training);
        Serving { prepared: prepared.expect("an honest one could be prepared"), of, parts, ensemble, hidden: None }
    }

    /// As a receipt states the sub-models.
    pub fn weights(&self, shard: u32) -> Option<Digest> {
        self.parts.iter().find(|part| part.shard == shard).map(|part| part.weights)
    }

    /// Every person's statistic, as the library's own rehearsal asks for it.
    pub fn ask(&self, visits: &[Visit]) -> Vec<Option<f64>> {
        let rows = self.of.rows();
        let items = rows.items();
        let mut popularity = vec![0u32; items.len()];
        rows.rows().iter().filter(|row| trains(row)).for_each(|row| popularity[row.item as usize] += 1);
        let order = popularity_order(&popularity);
        let mut scorer = Scorer::new(&self.ensemble, &self.prepared).expect("they fit each other");
        let (mut scores, mut sums) = (vec![0.0; items.len()], Vec::<(f64, usize)>::new());
        for (number, visit) in visits.iter().enumerate() {
            let find = |(item, value): &(String, f32)| Some((items.find(item)?, *value));
            let mut shown: Vec<(u32, f32)> = visit.shown.iter().filter_map(find).collect();
            shown.sort_by_key(|&(item, _)| item);
            let (ids, values): (Vec<u32>, Vec<f32>) = shown.into_iter().unzip();
            scorer.score(&UserRows { items: &ids, values: &values, own: &[] }, &mut scores);
            let hidden = self.hidden.as_ref().and_then(|item| items.find(item));
            for item in ids.into_iter().chain(hidden) {
                scores[item as usize] = f32::NEG_INFINITY;
            }
            let mut asked: Vec<u32> = visit.asked.iter().filter_map(|item| items.find(item)).collect();
            asked.sort_unstable();
            let key = StreamKey::new(self.of.settings().seed.into(), Purpose::Audit, number as u32, 0);
            sums.resize(sums.len().max(visit.whose + 1), (0.0, 0));
            if let Some(found) = gap(&scores, &asked, &order, ROUNDS, key) {
                sums[visit.whose].0 += found * asked.len() as f64;
                sums[visit.whose].1 += asked.len();
            }
        }
        sums.into_iter().map(|(sum, asked)| (asked > 0).then(|| sum / asked as f64)).collect()
    }
}
