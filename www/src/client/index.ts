import type { Session } from "./types";

export type * from "./types";

/** Opens the library's session. The only door through which the page reaches it. */
export async function openSession(): Promise<Session> {
  const { FakeSession } = await import("../dev/fake");
  return new FakeSession();
}
