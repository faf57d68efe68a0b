import { flatten } from "./errors.js";
import { keptIn, keptNowhere } from "./kept.js";
import type { SessionMessage, SessionRequest } from "./protocol.js";
import { Outcomes } from "./outcomes.js";
import { pulse } from "./pulse.js";
import { Store } from "./store.js";
import { claim } from "./tabs.js";
import type { Scope } from "./task.host.js";
import { buffers } from "./transfer.js";
import type { Kept } from "./types.js";
import { start } from "./wasm.js";

/** What the session keeps itself. */
const OUTCOMES = "outcome/";

/** Holds the experiment and what is kept between visits, so that the caller's thread never waits for them. */
export function hostSession(scope: Scope<SessionRequest, SessionMessage>): void {
  let store: Store | undefined;
  let kept: Kept | undefined;

  /** Takes this tab's place in the browser's storage; what is asked of it meanwhile waits. */
  function keep({ base, tab }: { base: string; tab?: string }): Outcomes {
    const place = claim(base, tab);
    kept = keptIn(base, place, () => store!);
    place.then(({ name }) => scope.postMessage({ kind: "tab", tab: name }), () => {}); // whoever calls hears why
    return new Outcomes(place.then(({ vault }) => vault.area(OUTCOMES)));
  }

  scope.onmessage = async ({ data }) => {
    if (data.kind === "start") {
      try {
        start(data.module);
      } catch (thrown) {
        return scope.postMessage({ kind: "unable", error: flatten(thrown) });
      }
      const outcomes = data.keep && keep(data.keep);
      store = new Store((progress) => scope.postMessage({ kind: "progress", progress }), outcomes);
      await pulse(data.pulse);
      return scope.postMessage({ kind: "ready" });
    }
    try {
      if (data.kind === "kept" && !kept) throw keptNowhere();
      const of = data.kind === "kept" ? kept! : store!;
      const method = of[data.method as keyof typeof of] as (...args: unknown[]) => unknown;
      const value = await method.apply(of, data.args);
      scope.postMessage({ kind: "answer", id: data.id, value }, buffers(value));
    } catch (thrown) {
      scope.postMessage({ kind: "refusal", id: data.id, error: flatten(thrown) });
    }
  };
}
