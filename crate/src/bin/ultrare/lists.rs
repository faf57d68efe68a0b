//! Everybody's lists and figures as files that other programs read: CSV, or one JSON object a line.

use std::path::Path;

use serde_json::{Map, Value, json};
use ultrare::experiment::{Experiment, figure_names};

use crate::out;

/// How a table is written, as the name of the file says.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Csv,
    Jsonl,
}

impl Form {
    pub fn of(path: &Path) -> Result<Self, String> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("csv") => Ok(Form::Csv),
            Some("jsonl" | "ndjson") => Ok(Form::Jsonl),
            _ if out::is_stdout(path) => Ok(Form::Jsonl),
            _ => Err(format!("{}: its name has to end in .csv or .jsonl", path.display())),
        }
    }
}

/// A table: the columns of a CSV file, or objects.
pub struct Table {
    form: Form,
    text: String,
}

impl Table {
    pub fn new(form: Form, columns: &[&str]) -> Self {
        let mut table = Table { form, text: String::new() };
        if form == Form::Csv {
            table.csv(columns.iter().map(|column| (*column).to_owned()));
        }
        table
    }

    pub fn form(&self) -> Form {
        self.form
    }

    pub fn csv(&mut self, fields: impl IntoIterator<Item = String>) {
        let line: Vec<String> = fields.into_iter().map(field).collect();
        self.text += &line.join(",");
        self.text.push('\n');
    }

    pub fn object(&mut self, value: &Value) {
        self.text += &value.to_string();
        self.text.push('\n');
    }

    pub fn write(self, path: &Path) -> Result<(), String> {
        out::write(path, self.text.as_bytes())
    }
}

/// A field of a CSV file, quoted where it has to be.
fn field(text: String) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// `pipeline,user,rank,item`, or an object per pipeline and user.
pub fn write_lists(path: &Path, experiment: &Experiment) -> Result<(), String> {
    let mut table = Table::new(Form::of(path)?, &["pipeline", "user", "rank", "item"]);
    for person in experiment.people().map_err(|error| error.to_string())? {
        let (pipeline, user) = (person.pipeline, person.user);
        match table.form() {
            Form::Csv => person.top.iter().enumerate().for_each(|(at, item)| {
                table.csv([pipeline, user, &(at + 1).to_string(), item].map(str::to_owned));
            }),
            Form::Jsonl => table.object(&json!({ "pipeline": pipeline, "user": user, "items": person.top })),
        }
    }
    table.write(path)
}

/// `pipeline,user,test,ndcg@5,...`, or an object per pipeline and user. Who has no test row has no figures.
pub fn write_figures(path: &Path, experiment: &Experiment) -> Result<(), String> {
    let names = figure_names(&experiment.settings().evaluate.cutoffs);
    let columns: Vec<&str> = ["pipeline", "user", "test"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut table = Table::new(Form::of(path)?, &columns);
    for person in experiment.people().map_err(|error| error.to_string())? {
        let measured = names.iter().zip(person.values);
        match table.form() {
            Form::Csv => {
                let first = [person.pipeline.to_owned(), person.user.to_owned(), person.test.to_string()];
                let values = names
                    .iter()
                    .enumerate()
                    .map(|(at, _)| person.values.get(at).map_or_else(String::new, f64::to_string));
                table.csv(first.into_iter().chain(values));
            }
            Form::Jsonl => {
                let figures: Map<String, Value> = measured.map(|(name, value)| (name.clone(), json!(value))).collect();
                let (pipeline, user, test) = (person.pipeline, person.user, person.test);
                table.object(&json!({ "pipeline": pipeline, "user": user, "test": test, "figures": figures }));
            }
        }
    }
    table.write(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_would_break_a_line_are_quoted() {
        let quoted = ["plain", "a,b", "say \"x\"", "two\nlines"].map(|text| field(text.to_owned()));
        assert_eq!(quoted, ["plain", "\"a,b\"", "\"say \"\"x\"\"\"", "\"two\nlines\""]);
    }
}
