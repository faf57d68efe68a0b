/** Who is to be forgotten: chosen by hand, by search, by rule; with undo. The bill comes from the library. */
import type { Request, Plan } from "../client";

class Basket {
  users = $state.raw<readonly string[]>([]);
  /** Ids that were pasted and that nobody has. */
  unknown = $state.raw<readonly string[]>([]);
  /** How the users were chosen, in words: it goes with every figure. */
  protocol = $state("");
  /** Divide again after the deletion, so that the partition holds no trace either? */
  refit = $state(false);
  plan = $state.raw<Plan | null>(null);
  planError = $state<string | null>(null);

  chosen = $derived(new Set(this.users));
  #past = $state.raw<{ users: readonly string[]; protocol: string }[]>([]);
  canUndo = $derived(this.#past.length > 0);

  #set(users: readonly string[], protocol: string): void {
    this.#past = [...this.#past.slice(-49), { users: this.users, protocol: this.protocol }];
    this.users = users;
    this.protocol = users.length ? protocol : "";
  }

  toggle(id: string): void {
    if (this.chosen.has(id)) this.#set(this.users.filter((u) => u !== id), "chosen by hand");
    else this.#set([...this.users, id], "chosen by hand");
  }

  add(ids: readonly string[], protocol: string): number {
    const fresh = ids.filter((id) => !this.chosen.has(id));
    if (!fresh.length) return 0;
    this.#set([...this.users, ...fresh], this.users.length ? "chosen by hand" : protocol);
    return fresh.length;
  }

  replace(ids: readonly string[], protocol: string): void {
    this.#set([...ids], protocol);
  }

  clear(): void {
    if (this.users.length) this.#set([], "");
    this.unknown = [];
  }

  undo(): void {
    const last = this.#past.at(-1);
    if (!last) return;
    this.#past = this.#past.slice(0, -1);
    this.users = last.users;
    this.protocol = last.protocol;
  }

  /** After a request was carried out, or when other data is loaded: nothing to go back to. */
  empty(): void {
    this.users = [];
    this.#past = [];
    this.unknown = [];
    this.protocol = "";
    this.plan = null;
    this.planError = null;
  }

  /** `confirmed`: the person has read what the bill warns of and wants it all the same. */
  request(confirmed = false): Request {
    return { users: [...this.users], items: [], interactions: [], confirmed };
  }
}

export const basket = new Basket();
