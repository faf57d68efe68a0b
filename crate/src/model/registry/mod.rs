//! All sub-models. A new one is its own file beside this one, and its lines here; nothing else has to know.

use serde::{Deserialize, Serialize};

use super::entry::ModelEntry;

mod bpr;
mod dmf;
mod ease;
mod gmf;
mod itemknn;
mod lightgcn;
mod mf;
mod neumf;
#[cfg(test)]
mod toy;
pub(crate) mod wmf;

/// Declares the enum of the models' names, and the way from a name to its entry.
macro_rules! models {
    ($($(#[doc = $about:literal])+ $(#[cfg($cfg:meta)])? $name:ident = $entry:path;)+) => {
        /// The sub-models. See the module of each for its objective and source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(tsify::Tsify))]
        #[serde(rename_all = "snake_case")]
        pub enum ModelName {
            $($(#[doc = $about])+ $(#[cfg($cfg)])? $name,)+
        }

        impl ModelName {
            /// All of them.
            pub const ALL: [ModelName; [$($(#[cfg($cfg)])? stringify!($name)),+].len()] =
                [$($(#[cfg($cfg)])? ModelName::$name),+];

            pub(super) fn entry(self) -> &'static ModelEntry {
                match self {
                    $($(#[cfg($cfg)])? ModelName::$name => &$entry,)+
                }
            }
        }
    };
}

models! {
    /// Weighted matrix factorisation by alternating least squares.
    Wmf = wmf::ENTRY;
    /// Matrix factorisation under Bayesian personalised ranking.
    Bpr = bpr::ENTRY;
    /// Rating prediction by matrix factorisation.
    Mf = mf::ENTRY;
    /// LightGCN.
    Lightgcn = lightgcn::ENTRY;
    /// Generalised matrix factorisation.
    Gmf = gmf::ENTRY;
    /// Neural matrix factorisation.
    Neumf = neumf::ENTRY;
    /// Deep matrix factorisation: two towers.
    Dmf = dmf::ENTRY;
    /// A linear item-item model in closed form.
    Ease = ease::ENTRY;
    /// Cosine neighbours of items.
    Itemknn = itemknn::ENTRY;
    /// Popularity by factors: shows what a new model takes.
    #[cfg(test)]
    Toy = toy::ENTRY;
}

#[allow(clippy::derivable_impls, reason = "the attribute would stand inside the macro's lines")]
impl Default for ModelName {
    fn default() -> Self {
        ModelName::Wmf
    }
}

impl ModelName {
    /// Can it be trained slice by slice, with checkpoints between them?
    pub fn takes_slices(self) -> bool {
        self.entry().slices.is_ok()
    }

    /// Is it a function of counts, so that forgetting subtracts and needs no shards?
    pub fn is_additive(self) -> bool {
        self.entry().additive
    }

    /// Has it one vector per item whose inner product with a user's is the score? Some combiners need that.
    pub fn has_item_vectors(self) -> bool {
        self.entry().item_vectors
    }

    /// Does a training stop on the shard's validation rows?
    pub fn stops_on_validation(self) -> bool {
        self.entry().stops_on_validation
    }

    /// As written in configurations.
    pub fn as_str(self) -> &'static str {
        self.entry().name
    }
}
