/**
 * What this page has asked the network for, as the browser itself recorded it, and what its policy stopped. A browser tells a page
 * of every request that the page makes; uploads have a method of their own (`fetch` with a body, `sendBeacon`), which nothing here
 * uses and which the tests watch for from outside.
 */
class Traffic {
  /** Files of this page's own address that were fetched. */
  own = $state(0);
  /** Requests to any other address. */
  foreign = $state(0);
  /** Requests since rows were there to be sent. */
  since = $state(0);
  /** What the page's policy stopped. */
  blocked = $state(0);
  #ready = Infinity;

  start(): void {
    const count = (entries: PerformanceEntryList) => {
      for (const { name, startTime } of entries) {
        if (/^(data|blob):/.test(name)) continue; // made here, fetched from nowhere
        if (new URL(name).origin === location.origin) this.own++;
        else this.foreign++;
        if (startTime > this.#ready && !part(name)) this.since++;
      }
    };
    new PerformanceObserver((list) => count(list.getEntries())).observe({ type: "resource", buffered: true });
    document.addEventListener("securitypolicyviolation", () => this.blocked++);
  }

  /** From now on there is something that could be sent. */
  loaded(): void {
    this.#ready = performance.now();
    this.since = 0;
  }
}

/** Parts of the page itself, fetched when they are needed: their names were fixed when it was built and carry nothing. */
const part = (name: string) => new RegExp("/(assets/[\\w.-]+|first\\.bin|favicon\\.svg|lessons\\.\\w+)$").test(name);

export const traffic = new Traffic();
