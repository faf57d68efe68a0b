//! The pipeline itself: a value from which everything else follows, and the keys of its stages.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::combine::CombineMethod;
use crate::error::Result;
use crate::interactions::Interactions;
use crate::numerics::digest::{Digest, Hasher};
use crate::partition::Method;

use super::shard::{row_digests, shards};
use super::store::{Combined, PartitionFacts, Store, Trained};
use super::{Assignment, Dataset, Settings, Shard, Stage};

/// Enters every key: outcomes of another version are others.
const CODE: &str = concat!("ultrare ", env!("CARGO_PKG_VERSION"));
/// Where the shards come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Shards {
    /// From the partition stage.
    #[default]
    Computed,
    /// From an earlier partition that is kept, with what was said of it then.
    Kept(Arc<Assignment>, PartitionFacts),
    /// There is one, with everything in it.
    One,
}

/// What recommends without any sub-model, for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Baseline {
    /// The most popular items for everybody.
    Popularity,
    /// Chance.
    Random,
}

/// Rows, settings, and where the shards come from. Cheap to clone: bulk is shared.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    dataset: Arc<Dataset>,
    settings: Arc<Settings>,
    shards: Shards,
    baseline: Option<Baseline>,
    /// Computed once; follows from the rest.
    divided: OnceLock<Arc<Divided>>,
}

/// A dataset in its shards.
#[derive(Debug)]
pub struct Divided {
    /// Row to shard.
    pub assignment: Arc<Assignment>,
    /// Who and what is in each.
    pub shards: Vec<Shard>,
    /// Per shard, the digest of its number and rows.
    pub rows: Vec<Digest>,
    digest: OnceLock<Digest>,
}

impl Divided {
    fn new(dataset: &Dataset, assignment: Arc<Assignment>) -> Self {
        let (shards, rows) = (shards(dataset, &assignment), row_digests(dataset, &assignment));
        Divided { assignment, shards, rows, digest: OnceLock::new() }
    }

    /// Shards with rows: the members of the ensemble, in order.
    pub fn present(&self) -> Vec<u32> {
        (0..self.shards.len() as u32).filter(|&shard| self.shards[shard as usize].n_rows > 0).collect()
    }
}

fn json<T: Serialize>(settings: &T) -> String {
    serde_json::to_string(settings).expect("settings have a JSON form")
}

impl Pipeline {
    /// From rows and settings.
    pub fn new(dataset: Arc<Dataset>, settings: Arc<Settings>, shards: Shards) -> Self {
        Pipeline { dataset, settings, shards, ..Pipeline::default() }
    }

    /// The same rows measured without any sub-model.
    pub fn baseline(&self, baseline: Baseline) -> Self {
        let shards = Shards::Computed;
        Pipeline { baseline: Some(baseline), shards, divided: OnceLock::new(), ..self.clone() }
    }

    /// The same rows under other settings. A partition is computed again.
    pub fn with_settings(&self, settings: Settings) -> Self {
        Pipeline::new(self.dataset.clone(), Arc::new(settings), Shards::Computed)
    }

    /// The same with shards from elsewhere.
    pub fn with_shards(&self, shards: Shards) -> Self {
        Pipeline::new(self.dataset.clone(), self.settings.clone(), shards)
    }

    /// Its rows.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Its rows as the stages see them.
    pub fn rows(&self) -> &Interactions {
        self.dataset.rows()
    }

    /// Its settings.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Where its shards come from.
    pub fn shards(&self) -> &Shards {
        &self.shards
    }

    /// Does it measure something that is not trained?
    pub fn is_baseline(&self) -> Option<Baseline> {
        self.baseline
    }

    pub(super) fn seed(&self) -> u64 {
        self.settings.seed.into()
    }

    /// Number of items in the catalogue.
    pub fn n_items(&self) -> u32 {
        self.rows().items().len() as u32
    }

    /// Jobs that measuring is cut into.
    pub(super) fn n_chunks(&self) -> usize {
        self.dataset.chunks().count()
    }

    /// The dataset in its shards; none while the partition is not made.
    pub fn divided(&self, store: &Store) -> Option<Arc<Divided>> {
        if let Some(divided) = self.divided.get() {
            return Some(divided.clone());
        }
        let assignment = match &self.shards {
            Shards::One => Arc::new(Assignment::whole(self.rows())),
            Shards::Kept(assignment, _) => assignment.clone(),
            Shards::Computed => {
                let made = store.partition(&self.partition_key())?;
                let active = self.dataset.active();
                let found = Assignment::of(self.rows(), active, made.shards, &made.division);
                Arc::new(found.expect("a partition was held against its rows when it came in"))
            }
        };
        let divided = Arc::new(Divided::new(&self.dataset, assignment));
        Some(self.divided.get_or_init(|| divided).clone())
    }

    /// What was said of the partition when it was made; none while it is not, or where there is none.
    pub fn partition_facts(&self, store: &Store) -> Option<PartitionFacts> {
        match &self.shards {
            Shards::One => None,
            Shards::Kept(_, facts) => Some(facts.clone()),
            Shards::Computed => Some(store.partition(&self.partition_key())?.facts.clone()),
        }
    }

    /// Digest of row to shard.
    pub fn partition_digest(&self, store: &Store) -> Option<Digest> {
        let divided = self.divided(store)?;
        let digest = || divided.assignment.digest(self.rows());
        Some(*divided.digest.get_or_init(digest))
    }

    /// The sub-model of a shard, if it is trained.
    pub fn sub_model<'a>(&self, shard: u32, store: &'a Store) -> Option<&'a Arc<Trained>> {
        store.sub_model(&self.train_key(shard, &*self.divided(store)?))
    }

    /// Per shard, its sub-model; `None` where it has no rows or is not trained. Empty while there are no shards.
    pub fn sub_models<'a>(&self, store: &'a Store) -> Vec<Option<&'a Arc<Trained>>> {
        let Some(divided) = self.divided(store) else { return Vec::new() };
        let trained = |shard: u32| {
            let there = divided.shards[shard as usize].n_rows > 0;
            there.then(|| store.sub_model(&self.train_key(shard, &divided))).flatten()
        };
        (0..divided.shards.len() as u32).map(trained).collect()
    }

    /// The combiner, if it is prepared.
    pub fn combined<'a>(&self, store: &'a Store) -> Option<&'a Arc<Combined>> {
        store.combiner(&self.combine_key(store)?)
    }

    /// Digest of all that serves: the sub-models and the combiner.
    pub fn ensemble_digest(&self, store: &Store) -> Option<Digest> {
        let combiner = self.combined(store)?.prepared.digest;
        let members = self.sub_models(store);
        let mut hasher = Hasher::new("ultrare ensemble 1");
        hasher.u32(members.len() as u32);
        for member in members {
            hasher.u32(u32::from(member.is_some())).digest(&member.map(|trained| trained.digest).unwrap_or_default());
        }
        Some(hasher.digest(&combiner).finish())
    }

    // Keys. Each holds the kind, the code's version, the settings that the stage reads and the digests of its inputs.

    fn key(&self, kind: &str) -> Hasher {
        let mut hasher = Hasher::new("ultrare stage 1");
        hasher.str(kind).str(CODE).u64(self.seed());
        hasher
    }

    /// Who of the active users the anchors are; empty unless the partition has any.
    pub(super) fn anchors(&self) -> Vec<bool> {
        let (partition, seed) = (&self.settings.partition, self.settings.seed);
        if partition.method != Method::Anchored {
            return Vec::new();
        }
        self.dataset.active().iter().map(|&user| self.dataset.is_anchor(user, partition, seed)).collect()
    }

    /// Key of the vectors to divide by.
    pub fn embed_key(&self) -> Digest {
        let mut hasher = self.key("embed");
        hasher.str(&json(&self.settings.embedding)).digest(&self.dataset.training_digest());
        let anchors: Vec<u8> = self.anchors().into_iter().map(u8::from).collect();
        hasher.bytes(&anchors).finish()
    }

    /// Does the partition divide by vectors?
    pub(super) fn needs_embedding(&self) -> bool {
        let method = self.settings.partition.method;
        method.needs_users() || method.needs_items()
    }

    /// Key of the partition. An embedding enters by its own key, since it is not kept.
    pub fn partition_key(&self) -> Digest {
        let mut hasher = self.key("partition");
        hasher.str(&json(&self.settings.partition));
        if self.needs_embedding() {
            hasher.digest(&self.embed_key());
        } else {
            hasher.digest(&self.dataset.training_digest());
        }
        if self.settings.partition.method == Method::File {
            for (user, shard) in self.dataset.assignment_file() {
                hasher.str(user).u32(u32::from(*shard));
            }
        }
        hasher.finish()
    }

    /// Key of a shard's sub-model: the shard's rows with its number, how many shards there are, and the model's settings.
    pub fn train_key(&self, shard: u32, divided: &Divided) -> Digest {
        let mut hasher = self.key("train");
        hasher.str(&json(&self.settings.model)).u32(shard).u32(divided.assignment.shards);
        hasher.digest(&divided.rows[shard as usize]).finish()
    }

    /// Key of the combiner; none while a sub-model is missing.
    pub fn combine_key(&self, store: &Store) -> Option<Digest> {
        let divided = self.divided(store)?;
        let mut hasher = self.key("combine");
        hasher.str(&json(&self.settings.combine));
        hasher.digest(&self.dataset.catalogue_digest());
        for shard in divided.present() {
            hasher.digest(&store.sub_model(&self.train_key(shard, &divided))?.digest);
        }
        if self.learns() {
            // Only these look at rows: who is whose, and which are held out for validation.
            divided.rows.iter().for_each(|rows| {
                hasher.digest(rows);
            });
        }
        Some(hasher.finish())
    }

    /// Does the combiner learn from rows?
    pub(super) fn learns(&self) -> bool {
        matches!(self.settings.combine.method, CombineMethod::Logistic | CombineMethod::Attention)
    }

    /// Key of the figures of the users of a chunk; none while the combiner is missing.
    pub fn evaluate_key(&self, chunk: usize, store: &Store) -> Option<Digest> {
        let mut hasher = self.key("evaluate");
        hasher.digest(&self.dataset.chunk_digests()[chunk]).digest(&self.recommender(store)?);
        hasher.str(&json(&self.settings.evaluate.cutoffs)).f64(self.sample().share());
        Some(hasher.finish())
    }

    /// Key of what the sub-models say about held-out pairs of the users of a chunk; none while the combiner is missing.
    pub fn verdicts_key(&self, chunk: usize, store: &Store) -> Option<Digest> {
        let mut hasher = self.key("verdicts");
        hasher.digest(&self.dataset.chunk_digests()[chunk]).digest(&self.recommender(store)?);
        Some(hasher.f64(self.sample().share()).finish())
    }

    /// Key of the errors taken apart; none while the combiner is missing.
    pub fn decompose_key(&self, store: &Store) -> Option<Digest> {
        let mut hasher = self.key("decompose");
        hasher.digest(&self.recommender(store)?);
        self.dataset.chunk_digests().iter().for_each(|users| {
            hasher.digest(users);
        });
        let evaluate = &self.settings.evaluate;
        let sampled = self.sample().share();
        Some(hasher.u32(evaluate.bootstrap).f32(evaluate.confidence).f64(sampled).finish())
    }

    /// Digest of what recommends, whether it was trained or not.
    fn recommender(&self, store: &Store) -> Option<Digest> {
        match self.baseline {
            Some(baseline) => {
                let mut hasher = Hasher::new("ultrare baseline 1");
                Some(hasher.u32(baseline as u32).digest(&self.dataset.training_digest()).finish())
            }
            None => self.ensemble_digest(store),
        }
    }

    /// The keys of all stages up to a goal that follow from what is in the store.
    pub fn reachable(&self, store: &Store) -> BTreeSet<Digest> {
        let mut keys = BTreeSet::new();
        if self.baseline.is_none() {
            if self.shards == Shards::Computed {
                keys.insert(self.partition_key());
            }
            if let Some(divided) = self.divided(store) {
                keys.extend(divided.present().into_iter().map(|shard| self.train_key(shard, &divided)));
            }
            keys.extend(self.combine_key(store));
        }
        if self.baseline.is_some() || self.combined(store).is_some() {
            for chunk in 0..self.n_chunks() {
                keys.extend(self.evaluate_key(chunk, store));
                keys.extend(self.verdicts_key(chunk, store));
            }
            keys.extend(self.decompose_key(store));
        }
        keys
    }

    /// The first stage whose outcome the store lacks; none if all is there up to measuring. This is what "stale" means.
    pub fn missing(&self, store: &Store) -> Option<Stage> {
        if self.rows().rows().is_empty() {
            return None;
        }
        if self.baseline.is_none() {
            let Some(divided) = self.divided(store) else {
                return Some(if self.needs_embedding() { Stage::Embed } else { Stage::Partition });
            };
            if divided.present().into_iter().any(|shard| !store.has(&self.train_key(shard, &divided))) {
                return Some(Stage::Train);
            }
            if self.combined(store).is_none() {
                return Some(Stage::Combine);
            }
        }
        let measured = |chunk| self.evaluate_key(chunk, store).is_some_and(|key| store.has(&key));
        (!(0..self.n_chunks()).all(measured)).then_some(Stage::Evaluate)
    }

    /// Is everything up to a stage in the store?
    pub fn reached(&self, goal: Stage, store: &Store) -> bool {
        let decomposed = || self.decompose_key(store).is_some_and(|key| store.has(&key));
        match self.missing(store) {
            Some(missing) => missing > goal,
            None => goal < Stage::Decompose || decomposed(),
        }
    }

    /// The errors taken apart, once they are.
    pub fn decomposition(&self, store: &Store) -> Option<crate::evaluate::Decomposition> {
        Some(store.decomposition(&self.decompose_key(store)?)?.as_ref().clone())
    }

    /// Checks what can be said before any work: settings in range, anchors that are there, a file that names everybody.
    ///
    /// Errors: each of these, in words.
    pub fn check(&self) -> Result<()> {
        if self.rows().rows().is_empty() {
            return Ok(());
        }
        self.settings.check()?;
        super::assignment_file::check_consent(&self.dataset, &self.settings)?;
        if self.shards == Shards::Computed {
            self.file_shards()?;
        }
        Ok(())
    }

    /// The `file` partition's shard of every active user; none for the other partitions.
    pub(super) fn file_shards(&self) -> Result<Vec<u16>> {
        match self.settings.partition.method {
            Method::File => {
                let shards = self.settings.partition.shards;
                Ok(super::assignment_file::shards_of(&self.dataset, shards)?)
            }
            _ => Ok(Vec::new()),
        }
    }
}
