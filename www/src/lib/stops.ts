/** Why trainings stop, in words. */
import type { StopReason } from "../client";

export const STOPPED: Record<StopReason, { short: string; long: string }> = {
  converged: { short: "converged", long: "converged: nothing improved any more" },
  epoch_cap: { short: "epoch cap", long: "reached the cap on epochs, still improving" },
  closed: { short: "closed form", long: "solved in one go" },
  no_validation: { short: "no held-out rows", long: "had no held-out rows to judge by and ran the default number of epochs" },
  vanished: { short: "learned nothing", long: "learned nothing: its weights vanished under the penalty; lower lambda, or leave it out" },
  scheduled: { short: "as scheduled", long: "was trained in legs with checkpoints, whose epochs are fixed beforehand" },
};
