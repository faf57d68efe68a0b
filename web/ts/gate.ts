import { cancelled } from "./errors.js";

/** How often a task may advance: freely, so many steps a second, one step on demand, or no more. */
export type Control =
  | { kind: "pause" }
  | { kind: "resume" }
  | { kind: "step" }
  | { kind: "speed"; stepsPerSecond: number | null }
  | { kind: "cancel" };

/** Node's way to let timers and input and output have their turn; a message does not: a thousand of them go before any timer. */
const immediate = (globalThis as { setImmediate?: (then: () => void) => unknown }).setImmediate;

/**
 * Stands between two steps of a task. Every pass gives the thread back once, so that messages are heard; in browsers by a
 * MessageChannel, because timers wait four milliseconds and `scheduler.yield` goes before the messages that are waited for.
 */
export class Gate {
  private paused = false;
  private interval = 0;
  private credit = 0;
  private stopped = false;
  private last = -Infinity;
  private wake: (() => void) | undefined;
  private readonly channel = immediate ? undefined : new MessageChannel();
  private breathing: (() => void) | undefined;

  constructor() {
    if (this.channel) this.channel.port1.onmessage = () => this.breathing?.();
  }

  /** Would a watcher rather see each step at once than in batches? */
  get watched(): boolean {
    return this.paused || this.interval > 0;
  }

  control(message: Control): void {
    if (message.kind === "pause") this.paused = true;
    else if (message.kind === "resume") [this.paused, this.credit] = [false, 0];
    else if (message.kind === "step") this.credit += this.paused ? 1 : 0;
    else if (message.kind === "speed") this.interval = message.stepsPerSecond ? 1000 / message.stepsPerSecond : 0;
    else this.stopped = true;
    this.wake?.();
  }

  /** Forgets a cancellation: the next task starts with a clean gate, but paused and slow as before. */
  reset(): void {
    [this.stopped, this.credit, this.last] = [false, 0, -Infinity];
  }

  /** Resolves when the task may advance by one step; rejects once it is cancelled. */
  async pass(): Promise<void> {
    await this.breathe();
    for (;;) {
      if (this.stopped) throw cancelled();
      if (this.paused) {
        if (this.credit > 0) {
          this.credit -= 1;
          break;
        }
        await this.sleep();
        continue;
      }
      const wait = this.last + this.interval - performance.now();
      if (this.interval === 0 || wait <= 0) break;
      await this.sleep(wait);
    }
    this.last = performance.now();
  }

  close(): void {
    this.channel?.port1.close();
  }

  private breathe(): Promise<void> {
    return new Promise((resolve) => {
      if (immediate) return void immediate(resolve);
      this.breathing = resolve;
      this.channel!.port2.postMessage(0);
    });
  }

  private sleep(milliseconds?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(() => this.wake?.(), milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }
}
