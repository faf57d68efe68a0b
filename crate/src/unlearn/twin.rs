//! Unlearned against never had the data, stage by stage.
//!
//! The twin is the whole pipeline run from the remaining rows. Where a stage differs there is a reason that was known
//! beforehand (a taint), or it follows from an earlier difference, or it is a defect of this program.

use serde::{Deserialize, Serialize};

use super::Per;
use super::Taint;
use super::places::Places;
use crate::digest::Digest;
use crate::partition::measures::best_names;

/// The digests of one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stages {
    /// Rows and their fates.
    pub split: Digest,
    /// Is an embedding still kept after the partition was made? It must not be.
    pub keeps_embedding: bool,
    /// Row to shard.
    pub partition: Digest,
    /// Who is in which shard.
    pub places: Places,
    /// Per shard, a digest of its rows: all that its sub-model may depend on.
    pub inputs: Vec<Digest>,
    /// Per shard, its weights; `None` where it has no rows.
    pub weights: Vec<Option<Digest>>,
    /// The combiner, where there is one.
    pub combiner: Option<Digest>,
}

/// How a stage compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Equal, hash for hash.
    Equal,
    /// Different, and the plan said so.
    Taint,
    /// Different only because an earlier stage is.
    Follows,
    /// Different without a reason: a defect of this program.
    Defect,
}

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct StageReport {
    /// `split`, `embedding`, `partition`, `sub-models` or `combiner`.
    pub stage: String,
    /// Equal?
    pub equal: bool,
    /// Why not.
    pub finding: Finding,
    /// A plain sentence.
    pub message: String,
    /// Only for the partition: how far it drifted.
    pub drift: Option<Drift>,
    /// Only for the sub-models: the shards that differ.
    pub shards: Vec<u32>,
}

/// How many of the remaining users sit elsewhere than in the twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct Drift {
    /// Users (or rows, where the partition is of rows) with another shard number.
    pub moved: u32,
    /// The same when the twin's shards are renumbered to fit best: who is with other people, not only under another number.
    pub regrouped: u32,
    /// Out of how many.
    pub of: u32,
}

/// Compares the two. `taints` are those that the plan announced.
pub fn compare_twin(unlearned: &Stages, twin: &Stages, taints: &[Taint]) -> Vec<StageReport> {
    let announced = |stage: &str| taints.iter().find(|taint| taint.stage == stage);
    let mut reports: Vec<StageReport> = Vec::new();

    let same_split = unlearned.split == twin.split;
    let reason = announced("split").or(announced("read"));
    reports.push(report("split", same_split, false, reason, "Rows and their fates are those of the twin."));

    let kept = unlearned.keeps_embedding || twin.keeps_embedding;
    let sentence = if kept {
        "An embedding that may have seen the forgotten rows is still kept."
    } else {
        "The embedding was dropped when the partition was made: nothing of it is left."
    };
    reports.push(StageReport { message: sentence.to_owned(), ..report("embedding", !kept, false, None, "") });

    let same_partition = unlearned.partition == twin.partition;
    let mut partition = report(
        "partition",
        same_partition,
        !same_split,
        announced("partition"),
        "Everybody who remains is in the twin's shard.",
    );
    partition.drift = drift(&unlearned.places, &twin.places);
    if let Some(drift) = partition.drift.filter(|_| !same_partition) {
        let noun = if unlearned.places.per == Per::User { "users" } else { "rows" };
        let moved = format!("{} of {} remaining {noun} have another shard than in the twin", drift.moved, drift.of);
        let regrouped = format!("{} if shards are renumbered to fit", drift.regrouped);
        partition.message = format!("{moved} ({regrouped}). {}", partition.message);
    }
    reports.push(partition);

    reports.push(sub_models(unlearned, twin));

    let same_weights = unlearned.weights == twin.weights;
    let same_combiner = unlearned.combiner == twin.combiner;
    // A combiner may also read the rows' fates, so a difference there explains one here.
    let follows = !same_weights || !same_split || !same_partition;
    reports.push(report("combiner", same_combiner, follows, None, "The combiner is the twin's, bit for bit."));
    reports
}

fn report(stage: &str, equal: bool, follows: bool, taint: Option<&Taint>, good: &str) -> StageReport {
    let (finding, message) = match (equal, taint) {
        (true, _) => (Finding::Equal, good),
        (false, Some(taint)) => (Finding::Taint, taint.message.as_str()),
        (false, None) if follows => (Finding::Follows, "It differs because an earlier stage does."),
        (false, None) => {
            (Finding::Defect, "It differs although nothing before it does: this is a defect of the program.")
        }
    };
    StageReport {
        stage: stage.to_owned(),
        equal,
        finding,
        message: message.to_owned(),
        drift: None,
        shards: Vec::new(),
    }
}

/// A sub-model is a function of its shard's rows: equal rows must give equal weights, whatever happened elsewhere.
fn sub_models(unlearned: &Stages, twin: &Stages) -> StageReport {
    let count = unlearned.weights.len().max(twin.weights.len());
    let differs = |shard: &usize| unlearned.weights.get(*shard) != twin.weights.get(*shard);
    let different: Vec<usize> = (0..count).filter(differs).collect();
    let unexplained = |shard: &&usize| {
        let (one, other) = (unlearned.inputs.get(**shard), twin.inputs.get(**shard));
        one == other && one.is_some()
    };
    let follows = different.iter().find(unexplained).is_none();
    let good = "Every sub-model is the twin's, bit for bit: no weight holds a trace of what was forgotten.";
    let mut line = report("sub-models", different.is_empty(), follows, None, good);
    if line.finding == Finding::Follows {
        line.message = format!(
            "{} of {count} sub-models differ, each because its shard has other rows than the twin's; every shard with the \
             same rows has the same weights.",
            different.len()
        );
    }
    line.shards = different.into_iter().map(|shard| shard as u32).collect();
    line
}

/// `None` when the two partitions are not of the same things.
pub fn drift(unlearned: &Places, twin: &Places) -> Option<Drift> {
    if unlearned.per != twin.per || unlearned.shard_of.len() != twin.shard_of.len() {
        return None;
    }
    let pairs = || unlearned.shard_of.iter().zip(&twin.shard_of);
    let moved = pairs().filter(|(one, other)| one != other).count() as u32;
    let shards = pairs().map(|(one, other)| u32::from(*one.max(other)) + 1).max().unwrap_or(1);
    let name = best_names(pairs().map(|(&one, &other)| (one, other)), shards);
    let regrouped = pairs().filter(|(one, other)| **one != name[usize::from(**other)]).count() as u32;
    let of = unlearned.shard_of.len() as u32;
    Some(Drift { moved, regrouped, of })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unlearn::{Mode, Procedure, Reach, expected_taints};

    fn places(shard_of: &[u16]) -> Places {
        Places { shards: 3, per: Per::User, shard_of: shard_of.to_vec() }
    }

    fn stages() -> Stages {
        let digest = |name: &str| Digest::of(name.as_bytes());
        Stages {
            split: digest("split"),
            keeps_embedding: false,
            partition: digest("partition"),
            places: places(&[0, 1, 2, 0]),
            inputs: vec![digest("rows 0"), digest("rows 1"), digest("none")],
            weights: vec![Some(digest("weights 0")), Some(digest("weights 1")), None],
            combiner: Some(digest("combiner")),
        }
    }

    fn findings(unlearned: &Stages, twin: &Stages, taints: &[Taint]) -> Vec<Finding> {
        compare_twin(unlearned, twin, taints).into_iter().map(|report| report.finding).collect()
    }

    #[test]
    fn equal_is_equal_at_every_stage() {
        let reports = compare_twin(&stages(), &stages(), &[]);
        assert!(reports.iter().all(|report| report.equal && report.finding == Finding::Equal), "{reports:?}");
        let names: Vec<&str> = reports.iter().map(|report| report.stage.as_str()).collect();
        assert_eq!(names, ["split", "embedding", "partition", "sub-models", "combiner"]);
    }

    #[test]
    fn a_drifted_partition_is_a_taint_with_a_price_and_its_consequences_follow() {
        use Finding::{Equal, Follows, Taint};
        let mut twin = stages();
        twin.partition = Digest::of(b"another");
        twin.places = places(&[0, 1, 2, 1]);
        twin.inputs[0] = Digest::of(b"other rows");
        twin.weights[0] = Some(Digest::of(b"other weights"));
        twin.combiner = None;
        let taints = expected_taints(&Procedure::new(Mode::Frozen, Reach::Everybody));
        let reports = compare_twin(&stages(), &twin, &taints);
        let found: Vec<Finding> = reports.iter().map(|report| report.finding).collect();
        assert_eq!(found, [Equal, Equal, Taint, Follows, Follows]);
        assert_eq!(reports[2].drift, Some(Drift { moved: 1, regrouped: 1, of: 4 }));
        assert!(reports[2].message.starts_with("1 of 4 remaining users"), "{}", reports[2].message);
        assert!(reports[2].message.contains("anchored"), "{}", reports[2].message);
        assert_eq!(reports[3].shards, [0]);
    }

    #[test]
    fn what_nothing_explains_is_a_defect() {
        use Finding::{Defect, Equal, Follows};
        let mut twin = stages();
        twin.weights[1] = None;
        assert_eq!(
            findings(&stages(), &twin, &[]),
            [Equal, Equal, Equal, Defect, Follows].map(|finding| { if finding == Follows { Equal } else { finding } })
        );
        let mut twin = stages();
        twin.combiner = None;
        assert_eq!(findings(&stages(), &twin, &[])[4], Defect);
        let mut twin = stages();
        twin.partition = Digest::of(b"another");
        assert_eq!(findings(&stages(), &twin, &[])[2], Defect);
        let mut unlearned = stages();
        unlearned.keeps_embedding = true;
        assert_eq!(findings(&unlearned, &stages(), &[])[1], Defect);
        // A weight that differs although its rows are equal is a defect even if another shard's rows differ.
        let mut twin = stages();
        twin.inputs[0] = Digest::of(b"other rows");
        twin.weights[0] = Some(Digest::of(b"other"));
        twin.weights[1] = Some(Digest::of(b"other"));
        assert_eq!(findings(&stages(), &twin, &[])[3], Defect);
    }

    #[test]
    fn renumbered_shards_move_everybody_and_regroup_nobody() {
        let found = drift(&places(&[0, 0, 1, 1, 2]), &places(&[1, 1, 2, 2, 0]));
        assert_eq!(found, Some(Drift { moved: 5, regrouped: 0, of: 5 }));
        // The largest overlap first (3, then nothing) would find 3 that stay; there are 4.
        let found = drift(&places(&[0, 0, 0, 0, 0, 1, 1]), &places(&[0, 0, 0, 1, 1, 0, 0]));
        assert_eq!(found, Some(Drift { moved: 4, regrouped: 3, of: 7 }));
        assert_eq!(drift(&places(&[0]), &places(&[0, 1])), None);
        assert_eq!(drift(&places(&[]), &places(&[])), Some(Drift::default()));
    }

    proptest! {
        #[test]
        fn drift_counts_the_differences_and_regrouping_never_exceeds_it(
            pairs in proptest::collection::vec((0..4u16, 0..4u16), 0..40),
        ) {
            let (one, other): (Vec<u16>, Vec<u16>) = pairs.iter().copied().unzip();
            let found = drift(&places(&one), &places(&other)).unwrap();
            prop_assert_eq!(found.moved as usize, pairs.iter().filter(|(one, other)| one != other).count());
            prop_assert!(found.regrouped <= found.moved);
            prop_assert_eq!(drift(&places(&one), &places(&one)).unwrap().moved, 0);
        }
    }
}
