//! Writes the corpus of the reader's tests into a folder, with what the reader made of each file, so that other surfaces can
//! be held against it: `cargo run -p ultrare --example corpus -- FOLDER`.

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use corpus::Outcome;
use serde_json::json;
use ultrare::interactions::Reader;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("say where to: corpus FOLDER")?.into();
    fs::create_dir_all(&folder)?;
    let mut index = Vec::new();
    for (number, case) in corpus::cases().into_iter().enumerate() {
        let file = format!("{number:03}");
        fs::write(folder.join(&file), &case.bytes)?;
        let mut reader = Reader::new(case.config.clone());
        reader.push(&case.bytes);
        let (report, code, message) = match reader.finish() {
            Ok((_, report)) => (Some(report), None, None),
            Err(error) => (None, Some(error.code()), Some(error.to_string())),
        };
        let rows = if let Outcome::Rows(rows, _) = &case.outcome { rows.len() } else { 0 };
        index.push(json!({
            "name": case.name, "file": file, "config": case.config, "rows": rows, "report": report, "code": code, "message": message,
        }));
    }
    fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
    Ok(())
}
