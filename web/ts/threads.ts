import type * as Threads from "node:worker_threads";

/**
 * Node's threads where there are any, without an import that a bundler for browsers would stumble over. From Node 20.16 on, and in
 * Deno and Bun.
 */
export function nodeThreads(): typeof Threads | undefined {
  const { process } = globalThis as { process?: { versions?: { node?: string }; getBuiltinModule?: (name: string) => unknown } };
  return process?.versions?.node === undefined ? undefined : (process.getBuiltinModule?.("node:worker_threads") as typeof Threads | undefined);
}
