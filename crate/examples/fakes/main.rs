//! The audit, audited: honest forgetting and six fakes, for every combiner, over ten seeds of the generated sample.
//!
//! `cargo run --release -p ultrare --example fakes` prints the table of the README; `-- --json` what the page shows
//! (`crate/docs/fakes.json`); `-- --runs` every run.
#![allow(clippy::disallowed_types, clippy::print_stdout, missing_docs)]

mod detect;
mod fake;
mod receipts;
mod serving;
mod table;
mod warm;
mod world;

use ultrare::combine::CombineMethod;

fn main() -> ultrare::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| words.iter().any(|given| given == word);
    let runs = table::measure(table::SEEDS, &CombineMethod::ALL, asked("--runs"))?;
    let table = table::Table::of(&runs);
    if asked("--json") {
        print!("{}", table.json());
    } else {
        print!("{}", table.markdown());
    }
    Ok(())
}
