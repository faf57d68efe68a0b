//! A small world for this room's tests: rows, two partitions, and a stand-in for training that digests a shard's rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::json::Value;
use super::record::MEASURED;
use super::*;
use crate::evaluate::Interval;
use crate::interactions::{Fate, Interactions, Row, Triple};
use crate::model::StopReason;
use crate::numerics::digest::Hasher;
use crate::unlearn::{Mode, Procedure, Reach, Request, expected_taints};

pub const SHARDS: u32 = 3;

/// 200 rows of 17 users and 23 items.
pub fn data() -> Interactions {
    let row = |number: u32| Triple {
        user: format!("user {}", number % 17),
        item: format!("item {}", number * 7 % 23),
        value: (number % 5) as f32,
        time: i64::from(number),
        fate: if number.is_multiple_of(6) { Fate::Test } else { Fate::Train },
    };
    Interactions::new((0..200).map(row).collect())
}

pub fn settings(method: &str) -> Value {
    let text = r#"{"seed": 7, "model": {"name": "wmf", "alpha": 0.6}, "partition": {"method": "METHOD", "shards": 3}}"#;
    serde_json::from_str(&text.replace("METHOD", method)).unwrap()
}

/// `hash` follows from a user's id; everything else from all rows there are, `rows` from each row as well.
pub fn divide(data: &Interactions, method: &str) -> Vec<u16> {
    let shard = |row: &Row| {
        let user: usize = data.users().get(row.user)[5..].parse().unwrap();
        let all = data.rows().len();
        let shard = match method {
            "hash" => user,
            "rows" => user + row.item as usize + all,
            _ => user * all + all / 7,
        };
        if row.fate == Fate::Test { NO_SHARD } else { (shard % SHARDS as usize) as u16 }
    };
    data.rows().iter().map(shard).collect()
}

/// Stands in for training: a digest of each shard's rows and of the settings that train.
pub fn train(data: &Interactions, shard_of_row: &[u16], settings: &Value) -> Vec<Option<SubModel>> {
    let one = |shard: u32| {
        let mut hasher = Hasher::new("weights");
        hasher.digest(&settings.get("seed").unwrap().digest("s")).digest(&settings.get("model").unwrap().digest("m"));
        let mut rows = 0;
        for (row, _) in data.rows().iter().zip(shard_of_row).filter(|(_, of)| u32::from(**of) == shard) {
            hasher.str(data.users().get(row.user)).str(data.items().get(row.item)).f32(row.value);
            rows += 1;
        }
        (rows > 0).then(|| SubModel { weights: hasher.finish(), epochs: 5, stop: StopReason::Converged })
    };
    (0..SHARDS).map(one).collect()
}

pub fn combiner(models: &[Option<SubModel>]) -> Option<crate::numerics::digest::Digest> {
    models.iter().flatten().next().map(|model| model.weights)
}

fn figures(data: &Interactions) -> BTreeMap<String, Interval> {
    let mean = 1.0 / (data.rows().len() + 3) as f64;
    [("ndcg@20".to_owned(), Interval { mean, low: mean / 3.0, high: 0.1 + 0.2 })].into()
}

fn procedure(method: &str, mode: Mode) -> Procedure {
    let partition = if method == "hash" { Reach::Alone } else { Reach::Everybody };
    Procedure { mode, partition, follows: false }
}

/// What serves: rows, their shards, and the receipts so far.
#[derive(Clone)]
pub struct World {
    pub rows: Interactions,
    pub shard_of_row: Vec<u16>,
    pub method: String,
    pub secret: Secret,
    pub receipts: Vec<Receipt>,
}

impl World {
    pub fn new(rows: Interactions, method: &str) -> World {
        let shard_of_row = divide(&rows, method);
        let secret = Secret::derive(&rows, 7);
        World { rows, shard_of_row, method: method.to_owned(), secret, receipts: Vec::new() }
    }

    /// Goes over to `after`; who stays keeps the shard unless it is made again.
    pub fn change(&mut self, after: Interactions, request: &Request, mode: Mode) -> &Receipt {
        let settings = settings(&self.method);
        let mut of_after = divide(&after, &self.method);
        let again = procedure(&self.method, mode).divides_again();
        if !again && self.method != "hash" {
            for (row, shard) in after.rows().iter().zip(&mut of_after).filter(|(row, _)| row.fate != Fate::Test) {
                let old = self.rows.users().find(after.users().get(row.user));
                let of_user = old.map(|user| self.rows.range_of(user)).into_iter().flatten();
                let item = self.rows.items().find(after.items().get(row.item));
                let same = of_user
                    .clone()
                    .find(|&at| Some(self.rows.rows()[at].item) == item && self.shard_of_row[at] != NO_SHARD);
                let any = of_user.clone().find(|&at| self.shard_of_row[at] != NO_SHARD);
                if let Some(at) = same.or(any) {
                    *shard = self.shard_of_row[at];
                }
            }
        }
        let (was, is) = (train(&self.rows, &self.shard_of_row, &settings), train(&after, &of_after, &settings));
        let before = Placed { rows: &self.rows, shards: SHARDS, shard_of_row: &self.shard_of_row };
        let before = Side { placed: before, sub_models: &was, combiner: combiner(&was) };
        let placed = Placed { rows: &after, shards: SHARDS, shard_of_row: &of_after };
        let side = Side { placed, sub_models: &is, combiner: combiner(&is) };
        let names = Names { users: &request.users, items: &request.items, interactions: &request.interactions };
        let draft = Draft::new(&before, &side, &names, &self.secret, self.receipts.last()).unwrap();
        let procedure = procedure(&self.method, mode);
        let touches = was.iter().zip(&is).any(|(was, is)| was != is);
        let facts = Facts {
            seed: 7,
            settings,
            reading: serde_json::from_str(r#"{"k_core": 0, "positive": null}"#).unwrap(),
            method: self.method.clone(),
            mode,
            divided_again: procedure.divides_again(),
            slices: 0,
            taints: if touches { expected_taints(&procedure) } else { Vec::new() },
            metrics: [("original".to_owned(), figures(&self.rows)), (MEASURED.to_owned(), figures(&after))].into(),
            seconds: [("unlearn".to_owned(), 0.125)].into(),
        };
        self.receipts.push(draft.finish(facts).unwrap());
        (self.rows, self.shard_of_row) = (after, of_after);
        self.receipts.last().unwrap()
    }

    pub fn forget(&mut self, request: &Request, mode: Mode) -> &Receipt {
        let after = request.resolve(&self.rows).remaining(&self.rows);
        self.change(after, request, mode)
    }
}

pub fn rules(question: &Question<'_>) -> Result<Rules, String> {
    let settings = question.receipt.settings.clone();
    let Some(Value::Text(method)) = settings.get("partition").and_then(|part| part.get("method")).cloned() else {
        return Err("no method".to_owned());
    };
    let procedure = procedure(&method, question.receipt.protocol.mode);
    let Some(&Value::Integer(seed)) = settings.get("seed") else { return Err("no seed".to_owned()) };
    Ok(Rules {
        seed: seed as u64,
        slices: 0,
        divided_again: Some(procedure.divides_again()),
        taints: Some(if question.touches { expected_taints(&procedure) } else { Vec::new() }),
        assignment: if method == "hash" { AssignmentRule::Alone } else { AssignmentRule::Made },
        settings,
        method,
    })
}

pub fn again(todo: &Todo) -> Recomputed {
    let Some(Value::Text(method)) = todo.settings.get("partition").and_then(|part| part.get("method")) else {
        panic!("the rules have refused it");
    };
    let made = || Arc::new(divide(&todo.rows, method));
    let shard_of_row = todo.kept.as_ref().map_or_else(made, |(_, kept)| kept.clone());
    let sub_models = train(&todo.rows, &shard_of_row, &todo.settings);
    Recomputed {
        partition: Placed { rows: &todo.rows, shards: SHARDS, shard_of_row: &shard_of_row }.digest(),
        combiner: combiner(&sub_models),
        sub_models,
        metrics: figures(&todo.rows),
    }
}

/// The places and names of the checks that fail; the code of an error.
pub fn failures(receipts: &[Receipt], rows: &[&Interactions]) -> Vec<String> {
    match verify(receipts, rows, rules, |todo| Ok(again(todo))) {
        Ok(verdict) => {
            assert_eq!(verdict.ok, verdict.failures().next().is_none());
            verdict.failures().map(|check| format!("{}: {}", check.place, check.name)).collect()
        }
        Err(error) => vec![error.code().to_owned()],
    }
}

/// A user, an item, and two rows of one who stays.
pub fn a_request() -> Request {
    Request {
        users: vec!["user 3".into(), "nobody".into()],
        items: vec!["item 5".into()],
        interactions: vec![("user 4".into(), "item 13".into()), ("user 4".into(), "item 0".into())],
        confirmed: true,
    }
}

/// One receipt of [`a_request`] over the given partition, the rows before and the rows after.
pub fn one(method: &str) -> (Receipt, Interactions, Interactions) {
    let mut world = World::new(data(), method);
    let receipt = world.forget(&a_request(), Mode::Frozen).clone();
    (receipt, data(), world.rows)
}
