/** Keys that work anywhere on the page; inside a field or a dialog they are left alone. */
import { tick } from "svelte";
import { basket } from "../stores/basket.svelte";
import { lab } from "../stores/lab.svelte";
import { PHASES, ui } from "../stores/ui.svelte";

export const KEYS: readonly [string, string][] = [
  ["P", "play or pause (run again when idle)"],
  [".", "one step, then pause"],
  ["R", "run again from the start"],
  ["S", "slow motion on or off"],
  ["Escape", "cancel the run"],
  ["1 – 5", "look at Data, Divide, Train, Forget, Compare"],
  ["D", "open data"],
  ["M", "go to the map"],
  ["F", "search for a user"],
  ["U", "undo the last change to the basket"],
  ["T", "light or dark"],
  ["B", "projector mode: larger words"],
  ["?", "this list"],
];

export const MAP_KEYS: readonly [string, string][] = [
  ["Arrow keys", "go to the nearest user in that direction"],
  ["Enter or Space", "put the user in the basket, or take out"],
  ["Home", "go to the most active user"],
  ["Drag", "lasso: choose everyone inside"],
  ["Shift + drag", "lasso: add to those chosen"],
];

export function shortcuts(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || ui.dialog || !ui.singleKeys) return;
  const target = event.target as HTMLElement;
  if (target.closest("input:not([type=range]), textarea, select, [contenteditable]")) return;
  const action = action_of(event.key);
  if (!action) return;
  event.preventDefault();
  action();
}

function action_of(key: string): (() => void) | null {
  switch (key) {
    case "p": case "P": return () => void lab.play();
    case ".": return () => lab.step();
    case "r": case "R": return lab.busy ? null : () => void lab.build();
    case "s": case "S": return () => lab.toggleSlow();
    case "Escape": return lab.busy ? () => void lab.cancel() : null;
    case "d": case "D": return () => (ui.dialog = "data");
    case "m": case "M": return () => document.querySelector<HTMLElement>("[data-testid=map]")?.focus();
    case "f": case "F": return () => {
      ui.show("forget");
      void tick().then(() => document.querySelector<HTMLElement>("[data-testid=search]")?.focus());
    };
    case "u": case "U": return () => basket.undo();
    case "t": case "T": return () => ui.cycleTheme();
    case "b": case "B": return () => (ui.projector = !ui.projector);
    case "?": return () => (ui.dialog = "keys");
  }
  const phase = PHASES[Number(key) - 1];
  return phase ? () => ui.show(phase) : null;
}
