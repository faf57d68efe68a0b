//! From the experiment's rows to a search over its model's knobs.

use crate::error::Result;
use crate::model::tune::Tuning;
use crate::model::{ModelConfig, ModelName, ShardRows};

use super::data::{Layout, Shard};
use super::{Experiment, ExperimentError};

impl Experiment {
    /// The configured model with every knob filled in, for as many users and items as there are.
    pub(super) fn filled_model(&self) -> ModelConfig {
        let view = self.source.view.as_ref();
        let (n_users, n_items) = view.map_or((u32::MAX, u32::MAX), |data| (data.users, data.items));
        // The penalty of `ease` follows the number of rows; nothing else looks at them.
        let rows = view.filter(|_| self.config.model.name == ModelName::Ease).map_or(0, |data| data.train_rows);
        self.config.model.filled(&ShardRows { n_users, n_items, items: vec![0; rows as usize], ..ShardRows::default() })
    }

    /// A search over the knobs of the configured model: on the shards, if the users are divided, else on one model of all
    /// rows. Test rows are in no shard, so none enters.
    ///
    /// Errors: no rows yet; a knob out of range; no validation row.
    pub fn tuning(&self) -> Result<Tuning> {
        let data = self.data.as_ref().ok_or(ExperimentError::NoData)?;
        let divided = self.serving.as_ref().and_then(|arm| Some((arm.layout.clone()?, arm.shards.clone())));
        let (layout, shards): (Layout, Vec<Shard>) = divided.unwrap_or_else(|| {
            let whole = Layout::whole(data);
            let shards = whole.members(data);
            (whole, shards)
        });
        let rows = shards
            .iter()
            .enumerate()
            .filter(|(_, shard)| shard.n_rows > 0)
            .map(|(index, shard)| shard.rows(data, &layout, index as u32))
            .collect();
        Ok(Tuning::new(rows, &self.config.model, u64::from(self.config.seed))?)
    }
}
