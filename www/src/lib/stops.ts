/** Why trainings stop, in words. */
import type { StopReason } from "../client";

export const STOPPED: Record<StopReason, { short: string; long: string }> = {
  converged: { short: "converged", long: "converged: nothing improved any more" },
  epoch_cap: { short: "epoch cap", long: "reached the cap on epochs, still improving" },
  closed: { short: "closed form", long: "solved in one go" },
  no_validation: { short: "no held-out rows", long: "had no held-out rows to judge by and ran the default number of epochs" },
  vanished: { short: "learned nothing", long: "learned nothing: its weights vanished under the penalty; lower lambda, or leave it out" },
  below_popularity: { short: "below popularity", long: "ranks held-out rows worse than a list by popularity; leave its settings out, or take another model or fewer shards" },
  scheduled: { short: "as scheduled", long: "was trained slice by slice with checkpoints, whose epochs are fixed beforehand" },
};
