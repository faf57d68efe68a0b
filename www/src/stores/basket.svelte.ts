/** Who is to be forgotten: chosen by hand, by search, by rule; with undo. The bill comes from the library. */
import type { Request, Plan } from "../client";

/** A content of the basket to go back to. */
type Kept = Pick<Basket, "users" | "items" | "rows" | "protocol">;

class Basket {
  users = $state.raw<readonly string[]>([]);
  /** Items whose every row goes. */
  items = $state.raw<readonly string[]>([]);
  /** Single rows: (user, item). */
  rows = $state.raw<readonly (readonly [string, string])[]>([]);
  /** Ids that were pasted and that nobody has. */
  unknown = $state.raw<readonly string[]>([]);
  /** How the users were chosen, in words: it goes with every figure. */
  protocol = $state("");
  /** Divide again after the deletion, so that the partition holds no trace either? */
  refit = $state(false);
  plan = $state.raw<Plan | null>(null);
  planError = $state<string | null>(null);

  chosen = $derived(new Set(this.users));
  /** How many things are in it. */
  size = $derived(this.users.length + this.items.length + this.rows.length);
  /** Changes whenever the content does. */
  stamp = $derived({ users: this.users, items: this.items, rows: this.rows });
  #past = $state.raw<Kept[]>([]);
  canUndo = $derived(this.#past.length > 0);

  #set(users: readonly string[], protocol: string): void {
    this.#keep();
    this.users = users;
    this.protocol = this.size ? protocol : "";
  }

  #keep(): void {
    this.#past = [...this.#past.slice(-49), { users: this.users, items: this.items, rows: this.rows, protocol: this.protocol }];
  }

  /** An item, whoever has it: in, or out again. */
  toggleItem(item: string): void {
    this.#keep();
    this.items = this.items.includes(item) ? this.items.filter((other) => other !== item) : [...this.items, item];
    this.protocol = this.size ? "chosen by hand" : "";
  }

  hasRow(user: string, item: string): boolean {
    return this.rows.some(([u, i]) => u === user && i === item);
  }

  /** A single row: in, or out again. */
  toggleRow(user: string, item: string): void {
    this.#keep();
    this.rows = this.hasRow(user, item) ? this.rows.filter(([u, i]) => u !== user || i !== item) : [...this.rows, [user, item]];
    this.protocol = this.size ? "chosen by hand" : "";
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
    if (this.size) {
      this.#keep();
      [this.users, this.items, this.rows, this.protocol] = [[], [], [], ""];
    }
    this.unknown = [];
  }

  undo(): void {
    const last = this.#past.at(-1);
    if (!last) return;
    this.#past = this.#past.slice(0, -1);
    ({ users: this.users, items: this.items, rows: this.rows, protocol: this.protocol } = last);
  }

  /** After a request was carried out, or when other data is loaded: nothing to go back to. */
  empty(): void {
    this.users = [];
    this.items = [];
    this.rows = [];
    this.#past = [];
    this.unknown = [];
    this.protocol = "";
    this.plan = null;
    this.planError = null;
  }

  /** `confirmed`: the person has read what the bill warns of and wants it all the same. */
  request(confirmed = false): Request {
    return { users: [...this.users], items: [...this.items], interactions: this.rows.map(([user, item]) => [user, item]), confirmed };
  }
}

export const basket = new Basket();
