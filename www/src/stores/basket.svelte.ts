/** What is to be changed: who is forgotten, chosen by hand, by search, by rule, and which rows come; with undo. The bill comes from the library. */
import type { Plan, Request, RowPatch } from "../client";

/** A content of the basket to go back to. */
type Kept = Pick<Basket, "users" | "items" | "rows" | "added" | "protocol">;
/** Rows that come, and what they are called. */
export interface Added { name: string; rows: readonly RowPatch[] }

class Basket {
  users = $state.raw<readonly string[]>([]);
  /** Items whose every row goes. */
  items = $state.raw<readonly string[]>([]);
  /** Single rows: (user, item). */
  rows = $state.raw<readonly (readonly [string, string])[]>([]);
  /** Rows that come: files, and people made up by hand. */
  added = $state.raw<readonly Added[]>([]);
  /** Ids that were pasted and that nobody has. */
  unknown = $state.raw<readonly string[]>([]);
  /** How the users were chosen, in words: it goes with every figure. */
  protocol = $state("");
  /** Divide again after the deletion, so that the partition holds no trace either? */
  refit = $state(false);
  plan = $state.raw<Plan | null>(null);
  /** The content that the bill is of: until the library has worked out the next, it is that of the last. */
  planned = $state.raw<object | null>(null);
  planError = $state<string | null>(null);

  chosen = $derived(new Set(this.users));
  /** How many things are in it. */
  size = $derived(this.users.length + this.items.length + this.rows.length + this.added.length);
  /** Changes whenever the content does. */
  stamp = $derived({ users: this.users, items: this.items, rows: this.rows, added: this.added });
  #past = $state.raw<Kept[]>([]);
  canUndo = $derived(this.#past.length > 0);

  #set(users: readonly string[], protocol: string): void {
    this.#keep();
    this.users = users;
    this.protocol = this.size ? protocol : "";
  }

  #keep(): void {
    this.#past = [...this.#past.slice(-49), { users: this.users, items: this.items, rows: this.rows, added: this.added, protocol: this.protocol }];
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

  /** Rows that come, in the place of those of the same name. */
  bring(added: Added): void {
    this.#keep();
    this.added = [...this.added.filter(({ name }) => name !== added.name), added];
    this.protocol ||= "chosen by hand";
  }

  leave(name: string): void {
    this.#keep();
    this.added = this.added.filter((other) => other.name !== name);
    if (!this.size) this.protocol = "";
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
      [this.users, this.items, this.rows, this.added, this.protocol] = [[], [], [], [], ""];
    }
    this.unknown = [];
  }

  undo(): void {
    const last = this.#past.at(-1);
    if (!last) return;
    this.#past = this.#past.slice(0, -1);
    ({ users: this.users, items: this.items, rows: this.rows, added: this.added, protocol: this.protocol } = last);
  }

  /** After a request was carried out, or when other data is loaded: nothing to go back to. */
  empty(): void {
    this.users = [];
    this.items = [];
    this.rows = [];
    this.added = [];
    this.#past = [];
    this.unknown = [];
    this.protocol = "";
    this.plan = null;
    this.planError = null;
  }

  /** All of it, as one. */
  change(confirmed = false): { forget: Request; add: RowPatch[] } {
    return { forget: this.request(confirmed), add: this.added.flatMap(({ rows }) => rows) };
  }

  /** `confirmed`: the person has read what the bill warns of and wants it all the same. */
  request(confirmed = false): Request {
    return { users: [...this.users], items: [...this.items], interactions: this.rows.map(([user, item]) => [user, item]), confirmed };
  }
}

export const basket = new Basket();
