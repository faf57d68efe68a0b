// The whole job on a session, whatever its front. Runs in Node and, served, in the browser; so it imports nothing.

/**
 * Loads, builds, forgets and compares. `source` is what `Session.load` takes, or { sample, seed }; `config` is a whole
 * configuration, such as a command line run wrote; `forget` is { users } or a selection { how, percent }.
 * Resolves to the snapshot, the events by kind, and wall seconds.
 */
export async function pipeline(session, { source, config, forget, compare = true }) {
  const start = performance.now();
  const kinds = {};
  const off = session.on(({ kind }) => (kinds[kind] = (kinds[kind] ?? 0) + 1));
  try {
    if (config) await session.configure(config);
    if (source.sample) await session.loadSample(source.sample, source.seed);
    else await session.load(source);
    const read = performance.now();
    let snapshot = await session.build();
    const built = performance.now();
    if (forget) {
      const request = forget.how ? { users: await session.select(forget) } : forget;
      snapshot = await session.forget({ confirmed: true, ...request });
    }
    const forgotten = performance.now();
    if (compare) snapshot = await session.compare();
    const end = performance.now();
    const wall = { read: read - start, build: built - read, forget: forgotten - built, compare: end - forgotten, all: end - start };
    for (const stage of Object.keys(wall)) wall[stage] /= 1000;
    return { snapshot, kinds, wall };
  } finally {
    off();
  }
}
