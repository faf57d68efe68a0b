//! Everybody's lists and figures, for whoever wants to look at more than means.

use crate::error::Result;
use crate::evaluate::METRICS;

use super::Experiment;

/// What one pipeline was worth to one person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonFigures<'a> {
    /// `original`, `unlearned`, `retrained`, ...
    pub pipeline: &'a str,
    /// The person's id.
    pub user: &'a str,
    /// Test rows; where there are none nothing was measured.
    pub test: u32,
    /// In the order of [`figure_names`]; empty where nothing was measured.
    pub values: &'a [f64],
    /// The list, best first.
    pub top: Vec<&'a str>,
}

/// `ndcg@5`, `recall@5`, ... in the order in which figures come.
pub fn figure_names(cutoffs: &[u32]) -> Vec<String> {
    cutoffs.iter().flat_map(|cutoff| METRICS.map(|metric| format!("{metric}@{cutoff}"))).collect()
}

impl Experiment {
    /// Everybody's lists and figures under every pipeline that was measured, pipeline by pipeline.
    ///
    /// Errors: nothing is trained yet.
    pub fn people(&self) -> Result<impl Iterator<Item = PersonFigures<'_>>> {
        let rows = self.trained("a list of everybody's figures")?.rows();
        Ok(self.records.iter().flat_map(move |(pipeline, record)| {
            rows.users().iter().zip(&record.metrics).map(move |(user, metrics)| PersonFigures {
                pipeline,
                user,
                test: metrics.test,
                values: if metrics.test > 0 { &metrics.values } else { &[] },
                top: metrics.top.iter().map(|&item| rows.items().get(item)).collect(),
            })
        }))
    }
}
