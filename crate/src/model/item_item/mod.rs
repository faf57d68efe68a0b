//! What `ease` and `itemknn` share: scores are sums of rows of an item-item matrix that is a closed-form function of
//! co-occurrence counts.
//!
//! A user's representation is the row of ones and zeros itself, so nothing is learned about a user and a fold-in is the
//! row again. The bytes hold the counts and the users' rows; the matrix is computed from them when they are loaded.

mod counts;

pub use counts::{ItemCounts, MAX_ITEMS};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::{ModelEntry, Training};
use super::weights;
use super::{EpochReport, ModelError, StopReason, SubModel, Trainer, TrainingExtras, WorkDone};
use crate::numerics::kernels::{all_finite, axpy};
use crate::numerics::matrix::Matrix;
use crate::numerics::sparse::Csr;

/// The closed form of one item-item model, with its knob.
pub(super) trait ClosedForm: Copy + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// The model.
    const ENTRY: &'static ModelEntry;
    /// Its number among the closed forms, in saved weights.
    const NUMBER: u32;

    /// Row i holds what having item i adds to every score; also the objective, where there is one.
    fn weights(self, counts: &ItemCounts) -> Result<(Matrix, f64), ModelError>;
}

/// The same, refused where it is not finite.
fn finite_weights(form: impl ClosedForm, counts: &ItemCounts) -> Result<(Matrix, f64), ModelError> {
    let (weights, objective) = form.weights(counts)?;
    if !all_finite(weights.data()) {
        return Err(ModelError::Diverged { epoch: 1, advice: "the item-item matrix is not finite; raise lambda" });
    }
    Ok((weights, objective))
}

/// What the shard's model was when it held more rows, and who and what of it is still there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviousModel {
    /// As [`SubModel::to_bytes`] wrote them; they hold the counts.
    #[serde(with = "serde_bytes")]
    pub weights: Vec<u8>,
    /// Today's number of each of its users.
    pub users: Vec<Option<u32>>,
    /// Today's number of each of its items.
    pub items: Vec<Option<u32>>,
}

impl PreviousModel {
    /// Today's counts, by taking away what is gone, with the rows taken away and added; `None` where that does not lead
    /// to today's rows (an item that was not counted, or bytes of something else). The sum of the squares of what changed,
    /// and a copy of the counts.
    fn counts<F: ClosedForm>(&self, rows: &Csr, n_items: u32) -> Option<(ItemCounts, u64)> {
        let (_, old, mut counts) = SavedCounts::<F>::read(&self.weights).ok()?;
        if old.len() != self.users.len() || counts.n_items() as usize != self.items.len() {
            return None;
        }
        let mut old_of = vec![None; n_items as usize];
        for (old, new) in self.items.iter().enumerate() {
            if let Some(new) = new {
                *old_of.get_mut(*new as usize)? = Some(old as u32);
            }
        }
        let in_old =
            |user: usize| rows.row(user).iter().map(|&item| old_of[item as usize]).collect::<Option<Vec<u32>>>();
        let mut here = vec![false; rows.len()];
        let mut changed = 0;
        for (user, new) in self.users.iter().enumerate() {
            let now = match new {
                Some(new) => {
                    *here.get_mut(*new as usize)? = true;
                    in_old(*new as usize)?
                }
                None => Vec::new(),
            };
            let was = old.row(user);
            if was != now {
                counts.subtract(was);
                counts.add(&now);
                changed += (was.len() + now.len()) as u64;
            }
        }
        for user in (0..rows.len()).filter(|&user| !here[user]) {
            let now = in_old(user)?;
            counts.add(&now);
            changed += now.len() as u64;
        }
        let (counts, kept) = counts.compact();
        let expected: Vec<u32> =
            (0..self.items.len() as u32).filter(|&item| self.items[item as usize].is_some()).collect();
        let in_order = expected.iter().map(|&item| self.items[item as usize]).eq((0..n_items).map(Some));
        (kept == expected && in_order).then_some((counts, changed))
    }
}

/// One step does it all.
struct ItemItemTrainer<F> {
    form: F,
    rows: Csr,
    counts: ItemCounts,
    work: Option<WorkDone>,
    weights: Option<Matrix>,
}

/// From the rows; or from the counts of before, by subtraction, with the same bits.
pub(super) fn trainer<F: ClosedForm>(training: &Training<'_>, form: F) -> Result<Box<dyn Trainer>, ModelError> {
    let (rows, n_items) = (training.rows.csr(|_| true), training.rows.n_items);
    let (counts, work) = match training.previous.and_then(|previous| previous.counts::<F>(&rows, n_items)) {
        Some((counts, done)) => (counts, Some(WorkDone { done, whole: rows.columns.len() as u64 })),
        None => (ItemCounts::of(&rows, n_items)?, None),
    };
    Ok(Box::new(ItemItemTrainer { form, rows, counts, work, weights: None }))
}

impl<F: ClosedForm> Trainer for ItemItemTrainer<F> {
    fn step(&mut self) -> Result<EpochReport, ModelError> {
        let (weights, objective) = finite_weights(self.form, &self.counts)?;
        self.weights = Some(weights);
        let loss = (objective / self.rows.columns.len().max(1) as f64) as f32;
        Ok(EpochReport {
            epoch: 1,
            loss,
            metric: None,
            refit: false,
            updates: u64::from(self.counts.n_items()),
            trace: None,
        })
    }

    fn stopped(&self) -> Option<StopReason> {
        self.weights.as_ref().map(|_| StopReason::Closed)
    }

    fn progress(&self) -> f32 {
        if self.weights.is_some() { 1.0 } else { 0.0 }
    }

    fn extras(&mut self) -> TrainingExtras {
        TrainingExtras { work: self.work, ..TrainingExtras::default() }
    }

    fn finish(self: Box<Self>) -> Box<dyn SubModel> {
        let weights = self.weights.expect("a training is finished after its one step");
        Box::new(ItemItem { form: self.form, rows: self.rows, counts: self.counts, weights })
    }
}

/// A trained item-item model.
pub(super) struct ItemItem<F> {
    form: F,
    rows: Csr,
    counts: ItemCounts,
    weights: Matrix,
}

#[derive(Serialize, Deserialize)]
struct SavedCounts<F> {
    number: u32,
    form: F,
    starts: Vec<u32>,
    columns: Vec<u32>,
    counts: ItemCounts,
}

impl<F: ClosedForm> SavedCounts<F> {
    /// Its parts, if each holds together; whether the counts are those of the rows is not asked.
    fn read(bytes: &[u8]) -> Result<(F, Csr, ItemCounts), ModelError> {
        let SavedCounts::<F> { number, form, starts, columns, counts } = weights::read(bytes)?;
        let rows = Csr { starts, columns };
        let sound = number == F::NUMBER
            && rows.starts.first() == Some(&0)
            && rows.starts.is_sorted()
            && rows.starts.last().map(|&end| end as usize) == Some(rows.columns.len())
            && counts.is_sound()
            && (0..rows.len()).all(|user| rows.row(user).is_sorted_by(|a, b| a < b))
            && rows.columns.iter().all(|&item| item < counts.n_items());
        if sound { Ok((form, rows, counts)) } else { Err(weights::refuse("rows and counts do not hold together")) }
    }
}

/// Reads what [`SubModel::to_bytes`] wrote for this form.
pub(super) fn load<F: ClosedForm>(bytes: &[u8]) -> Result<Box<dyn SubModel>, ModelError> {
    let (form, rows, counts) = SavedCounts::<F>::read(bytes)?;
    // The counts are there twice, as counts and as rows; they must agree.
    if ItemCounts::of(&rows, counts.n_items())? != counts {
        return Err(weights::refuse("rows and counts do not agree"));
    }
    let (weights, _) = finite_weights(form, &counts).map_err(|error| weights::refuse(&error.to_string()))?;
    Ok(Box::new(ItemItem { form, rows, counts, weights }))
}

impl<F> ItemItem<F> {
    fn dense(&self, items: &[u32]) -> Vec<f32> {
        let mut row = vec![0.0; self.weights.rows()];
        for &item in items {
            row[item as usize] = 1.0;
        }
        row
    }
}

impl<F: ClosedForm> SubModel for ItemItem<F> {
    fn name(&self) -> &'static str {
        F::ENTRY.name
    }

    fn n_users(&self) -> usize {
        self.rows.len()
    }

    fn n_items(&self) -> usize {
        self.weights.rows()
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.dense(self.rows.row(local_user as usize))
    }

    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Vec<f32> {
        self.dense(items)
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (item, &value) in user.iter().enumerate() {
            if value != 0.0 {
                axpy(value, self.weights.row(item), out);
            }
        }
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        None
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Csr { starts, columns } = self.rows.clone();
        let saved = SavedCounts { number: F::NUMBER, form: self.form, starts, columns, counts: self.counts.clone() };
        weights::write(F::ENTRY.code, &saved)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::planted;
    use super::super::{ModelConfig, ModelName, ShardRows, Start, trainer_from};
    use super::*;

    fn run(rows: &ShardRows, name: ModelName, start: Start) -> (Vec<u8>, Option<WorkDone>) {
        let mut trainer = trainer_from(rows.clone(), &ModelConfig::of(name), 1, 0, start).unwrap();
        trainer.step().unwrap();
        let work = trainer.extras().work;
        (trainer.finish().to_bytes(), work)
    }

    /// The rows for which `keep` says so, in numbers of their own, with today's numbers of the users and items of before.
    fn reduced(rows: &ShardRows, keep: impl Fn(u32, u32) -> bool) -> (ShardRows, Vec<Option<u32>>, Vec<Option<u32>>) {
        let csr = rows.csr(|_| true);
        let kept =
            |user: usize| csr.row(user).iter().copied().filter(|&item| keep(user as u32, item)).collect::<Vec<u32>>();
        let lists: Vec<Vec<u32>> = (0..csr.len()).map(kept).collect();
        let number = |there: Vec<bool>| {
            let mut next = 0..;
            there.into_iter().map(|there| if there { next.next() } else { None }).collect::<Vec<Option<u32>>>()
        };
        let users = number(lists.iter().map(|list| !list.is_empty()).collect());
        let items = number((0..rows.n_items).map(|item| lists.iter().any(|list| list.contains(&item))).collect());
        let count = |numbers: &[Option<u32>]| numbers.iter().flatten().count() as u32;
        let mut out =
            ShardRows { n_users: count(&users), n_items: count(&items), starts: vec![0], ..ShardRows::default() };
        for list in lists.iter().filter(|list| !list.is_empty()) {
            out.items.extend(list.iter().filter_map(|&item| items[item as usize]));
            out.starts.push(out.items.len() as u32);
        }
        out.values = vec![1.0; out.items.len()];
        out.validation = vec![false; out.items.len()];
        (out, users, items)
    }

    #[test]
    fn subtracting_gives_the_bytes_of_counting_again() {
        let rows = planted(30, 14, 3, 6);
        for name in [ModelName::Ease, ModelName::Itemknn] {
            let (before, none) = run(&rows, name, Start::Fresh);
            assert_eq!(none, None);
            let cases: [&dyn Fn(u32, u32) -> bool; 5] = [
                &|user, _| user != 3,
                &|_, item| item != 5,
                &|user, item| (user, item % 3) != (7, 1),
                &|user, item| user > 20 || item == 2,
                &|_, _| true,
            ];
            for (number, keep) in cases.into_iter().enumerate() {
                let (after, users, items) = reduced(&rows, keep);
                let former = PreviousModel { weights: before.clone(), users, items };
                let (subtracted, work) = run(&after, name, Start::Counts(former));
                let (counted, _) = run(&after, name, Start::Fresh);
                assert!(subtracted == counted, "{name:?}, case {number}");
                let work = work.unwrap_or_else(|| panic!("{name:?}, case {number}: counted again"));
                assert_eq!(work.done == 0, number == 4, "{work:?}");
            }
        }
    }

    #[test]
    fn counts_that_do_not_lead_there_are_counted_again() {
        let rows = planted(30, 14, 3, 6);
        let (before, _) = run(&rows, ModelName::Ease, Start::Fresh);
        let (after, users, items) = reduced(&rows, |user, _| user != 3);
        let (counted, _) = run(&after, ModelName::Ease, Start::Fresh);
        let good = PreviousModel { weights: before, users, items };
        let wrong: [fn(&mut PreviousModel); 5] = [
            |former| former.weights.truncate(40),
            |former| former.users.truncate(5),
            |former| former.items[2] = None,
            |former| former.items.swap(0, 1),
            |former| former.users[0] = Some(999),
        ];
        for (number, spoil) in wrong.into_iter().enumerate() {
            let mut former = good.clone();
            spoil(&mut former);
            let (bytes, work) = run(&after, ModelName::Ease, Start::Counts(former));
            assert!(bytes == counted && work.is_none(), "case {number}: {work:?}");
        }
    }
}
