//! Six ways to pretend that somebody was forgotten.

use std::sync::Arc;

use ultrare::Matrix;
use ultrare::combine::CombineMethod;
use ultrare::model::SubModel as _;

use crate::serving::{Part, Serving, parts};
use crate::warm::Warm;
use crate::world::{Built, World, request};

/// What the operator does instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fake {
    /// Of the touched shards the one that held most of the forgotten rows keeps its sub-model; all else is honest.
    NotRetrained,
    /// Touched sub-models go on from their old weights.
    WarmStart,
    /// Everything stays; the forgotten are only no longer measured.
    EvaluationOnly,
    /// The request names an item too: its rows stay, and it is only not listed.
    Hidden,
    /// Sub-models are honest; the combiner is the one from before.
    OldCombiner,
    /// Others, equally active, are forgotten honestly.
    AnotherUser,
}

impl Fake {
    pub const ALL: [Fake; 6] =
        [Fake::NotRetrained, Fake::WarmStart, Fake::EvaluationOnly, Fake::Hidden, Fake::OldCombiner, Fake::AnotherUser];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Fake::NotRetrained => "touched shard not retrained",
            Fake::WarmStart => "warm start from the old sub-model",
            Fake::EvaluationOnly => "rows dropped only from evaluation",
            Fake::Hidden => "item hidden from lists only",
            Fake::OldCombiner => "old combiner kept",
            Fake::AnotherUser => "another user's rows removed",
        }
    }

    /// Is there anything to fake? `own` and `mean` hold nothing that could be kept.
    pub fn applies(self, method: CombineMethod) -> bool {
        self != Fake::OldCombiner || !matches!(method, CombineMethod::Own | CombineMethod::Mean)
    }
}

/// What is asked for, the twin of what should serve after it, and what the operator serves instead.
pub struct Faked {
    pub items: Vec<String>,
    pub twin: Built,
    pub served: Serving,
}

/// The number of rows that each shard loses.
fn losses(world: &World) -> Vec<i64> {
    let rows = |built: &Built| -> Vec<i64> {
        let divided = built.pipeline.divided(&built.store).expect("it is built");
        divided.shards.iter().map(|shard| i64::from(shard.n_rows)).collect()
    };
    rows(&world.before).into_iter().zip(rows(&world.after)).map(|(before, after)| before - after).collect()
}

/// Carries the fake out.
pub fn fake(world: &World, fake: Fake) -> ultrare::Result<Faked> {
    let plain = |served| Faked { items: Vec::new(), twin: world.twin.clone(), served };
    let (before, after) = (&world.before, &world.after);
    Ok(match fake {
        Fake::NotRetrained => {
            let losses = losses(world);
            let kept = (0..losses.len()).max_by_key(|&shard| losses[shard]).expect("there are shards") as u32;
            let old = parts(before);
            let exchange =
                |part: Part| old.iter().find(|old| old.shard == kept && part.shard == kept).cloned().unwrap_or(part);
            let mixed = parts(after).into_iter().map(exchange).collect();
            plain(Serving::fitted(before.pipeline.clone(), mixed, after))
        }
        Fake::WarmStart => {
            let (old, losses) = (parts(before), losses(world));
            let warm = |part: Part| match old.iter().find(|old| old.shard == part.shard) {
                Some(old) if losses[part.shard as usize] > 0 => warmed(world, old, part),
                _ => part,
            };
            plain(Serving::fitted(after.pipeline.clone(), parts(after).into_iter().map(warm).collect(), after))
        }
        Fake::EvaluationOnly => plain(Serving::honest(before)),
        Fake::Hidden => {
            let items = vec![world.item.clone()];
            let asked = before.changed(&request(&world.users, &items))?;
            let twin = asked.twin(Default::default())?;
            let served = Serving { hidden: Some(world.item.clone()), ..Serving::honest(after) };
            Faked { items, twin, served }
        }
        Fake::OldCombiner => {
            let old = Serving::honest(before).prepared;
            plain(Serving::with(before.pipeline.clone(), parts(after), old))
        }
        Fake::AnotherUser => plain(Serving::honest(&before.changed(&request(&world.others, &[]))?)),
    })
}

fn warmed(world: &World, old: &Part, new: Part) -> Part {
    let built = &world.after;
    let divided = built.pipeline.divided(&built.store).expect("it is built");
    let own = &divided.shards[new.shard as usize];
    let rows = own.rows(built.pipeline.dataset(), &divided.assignment, new.shard);
    let vectors = old.model.item_vectors().expect("wmf has them");
    let mut start = Matrix::zeros(new.items.len(), vectors.cols());
    for (at, item) in new.items.iter().enumerate() {
        let was = old.items.iter().position(|old| old == item).expect("a shard's items only become fewer");
        start.row_mut(at).copy_from_slice(vectors.row(was));
    }
    let model = Warm::start(&start, &rows, &world.settings.model);
    let weights = own.digest(built.pipeline.dataset(), new.shard, &model.to_bytes());
    Part { model: Arc::new(model), weights, ..new }
}
