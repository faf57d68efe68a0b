/** One sentence a phase: what is to be seen, or what has just been shown. */
import { count, plural } from "../../lib/format";
import { basket } from "../../stores/basket.svelte";
import { lab } from "../../stores/lab.svelte";
import type { Phase } from "../../stores/ui.svelte";

/** Whom a request is about, in as few words as will do: "Mara", "three people". */
export function whom(ids: readonly string[]): string {
  return ids.length === 1 ? lab.firstName(ids[0]!) : plural(ids.length, "person", "people");
}

export function hero(phase: Phase): string {
  const s = lab.snapshot;
  const users = s?.data?.users;
  const shards = s?.partition?.shards ?? s?.shards.length ?? 0;
  switch (phase) {
    case "data": return users ? `${count(users)} people, and what each liked.` : "People, and what each of them liked.";
    case "divide": return shards ? `${count(shards)} groups. No model sees more than one.` : "Groups of people, for a model each.";
    case "train": return shards ? `${count(shards)} small models, one for each group.` : "One small model for each group.";
    case "forget": return forget(shards);
    case "compare": return lab.compared || lab.ending ? ending() : "What did it cost, and what was kept?";
  }
}

function forget(shards: number): string {
  if (!lab.trained && lab.activity !== "forget") return "In a moment: whom shall it forget?";
  if (lab.activity === "forget") return `${capital(leaving())} ${lab.leaving === 1 ? "leaves" : "leave"}. Who knew starts again.`;
  const { plan } = basket;
  if (basket.size && plan) {
    const touched = plan.touched.length;
    const who = basket.users.length ? `To forget ${whom(basket.users)}` : basket.added.length ? "For what comes" : "To forget this";
    if (plan.warnings.some((warning) => warning.code === "divides_again")) return `${who}, all is divided again.`;
    return touched === 0 ? `${who}, no model has to learn again.` : `${who}, ${touched} of ${shards} models ${touched === 1 ? "learns" : "learn"} again.`;
  }
  if (lab.snapshot?.change) return ending();
  return "Whom shall it forget?";
}

function ending(): string {
  const change = lab.snapshot?.change;
  if (!change) return "What did it cost, and what was kept?";
  if (lab.activity === "check") return "Is it really gone? All is made once more.";
  const who = lab.torn ? lab.torn.name.split(" ")[0]! : change.users ? plural(change.users, "person", "people") : "what was asked";
  switch (lab.ending) {
    case "nothing": return change.rows ? `Nothing of ${who} is left, bit for bit.` : "As if they had always been there, bit for bit.";
    case "tainted": return `No model knows ${who}. The division still does.`;
    case "defect": return "Something is left that should not be.";
    default: return change.rows ? `${capital(who)} ${change.users > 1 ? "are" : "is"} forgotten. Is it really so?` : "Added. Is it as if they had always been there?";
  }
}

const leaving = () => (lab.torn ? lab.torn.name.split(" ")[0]! : lab.leaving ? plural(lab.leaving, "person", "people") : "What was asked");
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
