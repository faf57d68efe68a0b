/** The lesson under way: where it is, what was foretold, and whether the page is as it left it. */
import { readLink } from "../lib/link";
import type { Size } from "../client";
import { lab } from "../stores/lab.svelte";
import { settings } from "../stores/settings.svelte";
import { ui } from "../stores/ui.svelte";
import { HOOKS, notes } from "./hooks.svelte";
import { LESSONS, type LessonId, type LessonText } from "./text";

/** Where the axis stands before anybody drew on it, in percent. */
const DRAWN = 75;
/** What the tasks themselves change. */
const OWN = new Set(["partition.balance", "model.epochs", "combine.method"]);

class Lesson {
  guess = $state<number | null>(null);
  /** Where the guess is drawn, in percent, where a lesson has an axis. */
  drawn = $state(DRAWN);
  open = $derived(LESSONS.find((lesson) => lesson.id === settings.lesson) ?? null);
  hooks = $derived(this.open ? HOOKS[this.open.id] : null);
  /** The first task that is not done; all of them: their number. */
  at = $derived.by(() => {
    if (!this.hooks || this.guess === null) return 0;
    const open = this.hooks.tasks.findIndex((task) => !task.done());
    return open < 0 ? this.hooks.tasks.length : open;
  });
  finished = $derived(!!this.hooks && this.guess !== null && this.at === this.hooks.tasks.length);
  /** Settings that somebody else than the lesson has changed. */
  strayed = $derived.by(() => {
    if (!this.open) return [];
    const link = readLink(this.open.link).settings;
    const paths = new Set([...Object.keys(link), ...Object.keys(settings.changed)]);
    return [...paths].filter((path) => !OWN.has(path) && settings.value(path) !== undefined && link[path] !== settings.changed[path]);
  });

  /** Begins a lesson, with the page as it wants it. */
  async begin(id: LessonId): Promise<void> {
    const text: LessonText = LESSONS.find((lesson) => lesson.id === id)!;
    this.leaveHooks();
    this.guess = null;
    this.drawn = DRAWN;
    notes.clear();
    const size = (/sample:(\w+)/.exec(text.link)?.[1] ?? "small") as Size;
    settings.read(`${text.link}&lesson=${id}`);
    if (lab.busy) await lab.cancel();
    while (lab.busy) await new Promise((wake) => setTimeout(wake, 20));
    if (await lab.loadSample(size)) {
      await lab.reconfigure();
      await lab.build();
    }
    this.ready();
  }

  /** What is foretold; where nothing was drawn, the drawing follows. */
  say(option: number): void {
    if (this.drawn === DRAWN) this.drawn = [50, 75, 95][option] ?? DRAWN;
    this.guess = option;
  }

  /** The page is trained: the lesson shows what it begins with. */
  ready(): void {
    this.hooks?.on?.();
    if (this.open) ui.say(`Lesson: ${this.open.title}`);
  }

  private leaveHooks(): void {
    this.hooks?.out?.();
  }

  leave(): void {
    this.leaveHooks();
    settings.lesson = null;
    this.guess = null;
    notes.clear();
  }
}

export const lesson = new Lesson();
