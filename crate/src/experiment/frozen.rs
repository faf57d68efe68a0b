//! A partition that is given instead of made, and the digests by which two experiments are compared: what a twin and a
//! verification are made of.

use crate::error::Result;
use crate::interactions::{Interactions, split_digest};
use crate::unlearn::twin::{StageReport, Stages, compare_twin};
use crate::unlearn::{self, Places};

use super::arm::Arm;
use super::data::Layout;
use super::{Experiment, ExperimentError};

impl Experiment {
    /// The rows as they are now, with their fates.
    pub fn rows(&self) -> Result<&Interactions> {
        Ok(&self.data.as_ref().ok_or(ExperimentError::NoData)?.interactions)
    }

    /// Takes the partition as given, for exactly the rows that are loaded: the next build begins with training.
    ///
    /// Errors: work is under way; no rows; places of other rows.
    pub fn freeze(&mut self, places: &Places) -> Result<()> {
        let data = self.data.clone().ok_or(ExperimentError::NoData)?;
        let shard_of_row = places.shard_of_row(&data.interactions)?;
        self.freeze_layout(Layout { shards: places.shards, shard_of_row })
    }

    /// [`Experiment::freeze`] with a layout of these rows.
    pub(super) fn freeze_layout(&mut self, layout: Layout) -> Result<()> {
        self.idle("a given partition")?;
        let data = self.data.clone().ok_or(ExperimentError::NoData)?;
        self.serving = Some(Arm::with_layout(self.spec("original"), data, layout));
        self.others.clear();
        self.before = None;
        self.forgotten = None;
        self.receipts.clear();
        self.secret = None;
        self.stale = None;
        Ok(())
    }

    /// Who is in which shard, without ids.
    ///
    /// Errors: no rows, or no partition yet.
    pub fn places(&self) -> Result<Places> {
        let advice = "build it first";
        let missing = ExperimentError::TooEarly { what: "the list of shards", needs: "a partition", advice };
        places(self.serving.as_ref().ok_or(missing)?)
    }

    /// The digests of every stage of what serves, for [`compare_twin`].
    ///
    /// Errors: nothing is trained yet.
    pub fn stages(&self) -> Result<Stages> {
        self.stages_of(self.trained("comparing stages")?)
    }

    /// What serves against the arm `twin` ([`super::Activity::Twin`]), stage by stage, with the taints of the last request.
    ///
    /// Errors: nothing is trained yet, or no twin.
    pub fn twin(&self) -> Result<Vec<StageReport>> {
        let missing =
            ExperimentError::TooEarly { what: "the comparison", needs: "the twin", advice: "make the twin first" };
        let twin = self.others.get("twin").filter(|arm| arm.next.is_none()).ok_or(missing)?;
        let taints = self.forgotten.as_ref().map_or(&[][..], |view| &view.taints);
        Ok(compare_twin(&self.stages()?, &self.stages_of(twin)?, taints))
    }

    fn stages_of(&self, arm: &Arm) -> Result<Stages> {
        Ok(Stages {
            split: split_digest(&arm.data.interactions),
            keeps_embedding: arm.embedding.is_some(),
            partition: arm.layout.as_ref().map(|layout| layout.digest(&arm.data)).unwrap_or_default(),
            places: places(arm)?,
            inputs: arm.inputs(),
            weights: arm.shard_digests(),
            combiner: arm.prepared_digest,
        })
    }
}

fn places(arm: &Arm) -> Result<Places> {
    let missing =
        ExperimentError::TooEarly { what: "the list of shards", needs: "a partition", advice: "build it first" };
    let layout = arm.layout.as_ref().ok_or(missing)?;
    let layout = unlearn::Layout { shards: layout.shards, shard_of_row: &layout.shard_of_row };
    Ok(Places::of(&arm.data.interactions, &layout)?)
}
