//! `ultrare tune`.

use serde_json::json;
use ultrare::experiment::{Activity, Experiment};
use ultrare::model::ModelError;
use ultrare::model::tune::{Setting, Trial};
use ultrare::pipeline::Stage;

use crate::args::Tune;
use crate::drive::Driver;
use crate::run::{model, shards};
use crate::words::word;
use crate::{input, out, show};

/// Trains every setting of the grid on every shard and prints the table.
pub fn tune(args: &Tune) -> Result<(), String> {
    out::check(&[args.json.as_deref()])?;
    let driver = Driver::new(args.threads);
    let mut experiment = Experiment::new();
    let mut config = experiment.settings().clone();
    config.seed = args.seed;
    config.model = model(&args.model, &args.knobs)?;
    let method = word("--partition", args.partition.split(':').next().unwrap_or_default())?;
    config = config.choosing(None, Some(method), None);
    config.partition.shards = shards(args.shards)?;
    let told = |error: ultrare::Error| error.to_string();
    experiment.configure(config).map_err(told)?;
    input::load(&mut experiment, &args.input, args.seed)?;
    input::assign(&mut experiment, &args.partition)?;
    show::data(&experiment.snapshot());
    if args.shards > 1 {
        driver.run(&mut experiment, Activity::Build { until: Stage::Partition })?;
    }
    let tuning = experiment.tuning().map_err(told)?;
    let (settings, shards) = (tuning.grid().len(), tuning.shards());
    let done = driver.map("tune", settings * shards, |at| tuning.trial(at / shards, at % shards));
    let mut done = done.into_iter();
    let trials: Vec<Vec<Result<Trial, ModelError>>> =
        (0..settings).map(|_| done.by_ref().take(shards).collect()).collect();
    let table = tuning.table(&trials);
    print(args, shards, &table);
    if let Some(path) = &args.json {
        let text = json!({ "model": args.model, "seed": args.seed, "shards": shards, "settings": table });
        out::write_json(path, &text)?;
    }
    Ok(())
}

fn print(args: &Tune, shards: usize, table: &[Setting]) {
    let on = if shards == 1 { "one model".to_owned() } else { format!("{shards} shards") };
    say!("tune       {} on {on}; NDCG@20 of training rows held out, test rows not used\n", args.model);
    say!("{:>8} {:>8} {:>8} {:>7}   settings", "ndcg@20", "behind", "+-", "epochs");
    for line in table {
        let settings = line.paste.iter().map(|knob| format!("--set {knob}")).collect::<Vec<_>>().join(" ");
        let mark = if line.is_default { "  (where the grid began)" } else { "" };
        match (line.ndcg, &line.failure) {
            (Some(ndcg), _) => {
                say!("{ndcg:>8.4} {:>8.4} {:>8.4} {:>7}   {settings}{mark}", line.behind, line.error, line.epochs);
            }
            (None, failure) => {
                say!(
                    "{:>8} {:>8} {:>8} {:>7}   {settings}{mark}: {}",
                    "-",
                    "",
                    "",
                    "",
                    failure.as_deref().unwrap_or("")
                );
            }
        }
    }
    say!("\nLess than twice +- behind is as good as the best: prefer what is cheaper, or stay where you are.");
}
