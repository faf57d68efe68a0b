/** What the page itself remembers: the phase looked at, the theme, open dialogs, words for the screen reader. */
export const PHASES = ["data", "divide", "train", "forget", "compare"] as const;
export type Phase = (typeof PHASES)[number];
export const PHASE_TITLES: Record<Phase, string> = {
  data: "Data", divide: "Divide", train: "Train", forget: "Forget", compare: "Compare",
};

type Theme = "system" | "light" | "dark";
const THEME_KEY = "ultrare.theme";
const MORE_KEY = "ultrare.more";

class Ui {
  view = $state<Phase>("data");
  /** Follow the run from phase to phase, until the person picks one. */
  follow = $state(true);
  theme = $state<Theme>("system");
  systemDark = $state(false);
  reducedMotion = $state(false);
  /** Is there a finger and no mouse? Then one taps and does not click. */
  coarse = matchMedia("(pointer: coarse)").matches;
  dialog = $state<null | "data" | "keys" | "check" | "clear" | "sent" | "share" | "lessons">(null);
  /** Files waiting to be looked at in the data dialog. */
  files = $state.raw<File[]>([]);
  /** The user the pointer or the keyboard is at: a handle, or -1. */
  hovered = $state(-1);
  /** A shard that is pointed at anywhere, so that it lights up everywhere. */
  shard = $state<number | null>(null);
  person = $state<string | null>(null);
  /** Single-letter shortcuts can be switched off. */
  more = $state(false);
  /** Words large enough for the last row of a room. */
  projector = $state(false);
  /** The one phase that another page shows of this one; null for the whole page. */
  embed: Phase | null = PHASES.find((phase) => phase === new URLSearchParams(location.search).get("embed")) ?? null;
  singleKeys = $state(true);
  spoken = $state("");
  notice = $state<{ text: string; tone: "plain" | "bad" } | null>(null);

  dark = $derived(this.theme === "system" ? this.systemDark : this.theme === "dark");

  #saidAt = 0;
  #pending: ReturnType<typeof setTimeout> | undefined;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.systemDark = dark.matches;
    this.reducedMotion = calm.matches;
    dark.addEventListener("change", () => (this.systemDark = dark.matches));
    calm.addEventListener("change", () => (this.reducedMotion = calm.matches));
    if (this.embed) this.view = this.embed;
    this.more = localStorage.getItem(MORE_KEY) !== null;
    const kept = localStorage.getItem(THEME_KEY);
    if (kept === "light" || kept === "dark") this.theme = kept;
  }

  /** All settings, or the first alone. */
  foldMore(open: boolean): void {
    this.more = open;
    if (open) localStorage.setItem(MORE_KEY, "open");
    else localStorage.removeItem(MORE_KEY);
  }

  cycleTheme(): void {
    this.theme = this.dark ? "light" : "dark";
    localStorage.setItem(THEME_KEY, this.theme);
  }

  show(phase: Phase, byHand = true): void {
    if (this.embed && phase !== this.embed) return;
    if (byHand) this.follow = false;
    else if (!this.follow) return;
    this.view = phase;
  }

  /** A sentence for the screen reader; at most one in 1.5 s, the newest wins. */
  say(sentence: string): void {
    clearTimeout(this.#pending);
    const wait = Math.max(0, this.#saidAt + 1500 - performance.now());
    this.#pending = setTimeout(() => {
      this.#saidAt = performance.now();
      this.spoken = sentence;
    }, wait);
  }

  tell(text: string, tone: "plain" | "bad" = "plain"): void {
    clearTimeout(this.#noticeTimer);
    this.notice = { text, tone };
    this.#noticeTimer = setTimeout(() => (this.notice = null), tone === "bad" ? 12_000 : 5_000);
  }
}

export const ui = new Ui();
