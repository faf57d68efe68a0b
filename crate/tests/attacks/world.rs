//! Small experiments that forget, with everything an attacker could want of them.

use ultrare::combine::{CombineConfig, CombineMethod};
use ultrare::experiment::{Activity, Experiment, Loaded, Notice};
use ultrare::interactions::{Interactions, ReadConfig, Reader, SyntheticConfig, synthetic, to_csv};
use ultrare::model::{ModelConfig, ModelName};
use ultrare::partition::{Method, PartitionConfig};
use ultrare::pipeline::{Runner, Settings, Stage};
use ultrare::unlearn::receipt::{Salt, Secret, Verdict};
use ultrare::unlearn::{Mode, Receipt, Request};

pub const SHARDS: u32 = 4;
pub const SEED: u32 = 3;
/// Share of the users who are anchors, where there are some.
pub const ANCHORS: f32 = 0.4;

pub fn drive(experiment: &mut Experiment) -> Vec<Notice> {
    experiment.drive(&Runner::new()).unwrap()
}

/// Built, from the text of a generated file of `users` users.
pub fn built(method: Method, users: u32, slices: u32, seed: u64) -> Experiment {
    let sample = SyntheticConfig { users, items: users / 2 + 4, rows: users * 8, groups: 3, seed };
    let mut text = Vec::new();
    to_csv(&synthetic(&sample).unwrap().interactions, &mut text).unwrap();
    let mut reader = Reader::new(ReadConfig::default());
    reader.push(&text);
    let (rows, report) = reader.finish().unwrap();
    let model = ModelConfig { factors: Some(3), epochs: Some(4), slices, ..ModelConfig::of(ModelName::Wmf) };
    // Whoever has a list of ids knows the anchors among them: the fewer shards, the more of one shard that leaves out.
    let shards = if method == Method::Anchored && users >= 60 { 10 } else { SHARDS };
    let combine = CombineConfig::of(CombineMethod::Mean);
    let mut config = Settings { seed: SEED, model, combine, ..Settings::default() };
    config.partition =
        PartitionConfig { method, shards, restarts: 1, anchors: ANCHORS, ..Default::default() }.own_knobs();
    config.embedding.factors = 4;
    let mut experiment = Experiment::new();
    experiment.configure(config).unwrap();
    experiment.load(Loaded::of(rows, &report)).unwrap();
    experiment.begin(Activity::Build { until: Stage::Evaluate }).unwrap();
    drive(&mut experiment);
    experiment
}

pub fn forget(experiment: &mut Experiment, request: Request, mode: Mode) {
    let request = Request { confirmed: true, ..request };
    experiment.begin(Activity::Change { change: request.into(), mode }).unwrap();
    for notice in drive(experiment) {
        assert!(!matches!(notice, Notice::Refused { .. }), "{notice:?}");
    }
}

pub fn salt(first_rows: &Interactions, number: u32) -> Salt {
    Secret::derive(first_rows, SEED.into()).salt(number)
}

/// The whole verification in an empty experiment; the error's code where it does not come to a verdict.
pub fn verdict(receipts: &[Receipt], rows: &Interactions) -> Result<Verdict, String> {
    let mut experiment = Experiment::new();
    experiment.verify_rows(receipts, rows).map_err(|error| error.code().to_owned())?;
    for notice in drive(&mut experiment) {
        match notice {
            Notice::Verified { verdict } => return Ok(verdict),
            Notice::Refused { code, .. } => return Err(code),
            _ => {}
        }
    }
    Err("no verdict".to_owned())
}

/// The paths of every leaf of a JSON document.
pub fn leaves(value: &serde_json::Value) -> Vec<String> {
    fn walk(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) if !members.is_empty() => {
                members.iter().for_each(|(name, value)| walk(value, format!("{path}/{name}"), found));
            }
            serde_json::Value::Array(values) if !values.is_empty() => {
                values.iter().enumerate().for_each(|(at, value)| walk(value, format!("{path}/{at}"), found));
            }
            _ => found.push(path),
        }
    }
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

/// Other values for a leaf, of its own kind and of others.
pub fn others(value: &serde_json::Value) -> Vec<serde_json::Value> {
    use serde_json::{Value, json};
    let digest = |text: &str| format!("{}{}", if text.starts_with('0') { '1' } else { '0' }, &text[1..]);
    let mut others = match value {
        Value::Null => vec![json!(1), json!("0".repeat(64))],
        Value::Bool(value) => vec![json!(!value), json!(null)],
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            vec![json!((number + 1.0) as i64), json!((number - 1.0).abs() as i64), json!(number * 0.5 + 0.125)]
        }
        Value::String(text) if text.len() == 64 => vec![json!(digest(text)), json!(null)],
        Value::String(text) => ["hash", "obc", "refit", "frozen", "batch", "closed", ""]
            .iter()
            .map(|word| json!(word))
            .chain([json!(format!("{text}x"))])
            .collect(),
        Value::Array(_) => vec![json!(["0".repeat(64)]), json!([0])],
        Value::Object(_) => vec![json!({"x": 1})],
    };
    others.retain(|other| other != value && other.as_f64().zip(value.as_f64()).is_none_or(|(one, two)| one != two));
    others
}
