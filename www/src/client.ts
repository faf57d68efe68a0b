/** The only door through which the page reaches the library: its published client and nothing else. */
import { canSign, checkSignature, makeKeys, keysOf, open, publicKey, signReceipt, type PersonView, type ResultView, type Session, type SessionEvent, type Snapshot } from "ultrare";

export type * from "ultrare";
export { canSign, checkSignature, keysOf, makeKeys, publicKey, signReceipt };
export type Decomposition = NonNullable<ResultView["decomposition"]>;
export type Interval = ResultView["metrics"][string];
export type PartitionView = NonNullable<Snapshot["partition"]>;
export type ModelConfig = Snapshot["model"];
export type StopReason = NonNullable<Snapshot["shards"][number]["stop"]>;
export type ItemView = PersonView["rows"][number];
export type ClusterEvent = Extract<SessionEvent, { kind: "cluster" }>;
export type UpdateTrace = NonNullable<Extract<SessionEvent, { kind: "epoch" }>["trace"]>;
export type TransportEvent = Extract<SessionEvent, { kind: "transport" }>;
export type AuditHistogram = NonNullable<Snapshot["audit"]>["histograms"][string];
export type Role = "user" | "item" | "rating" | "time" | "consent";
/** A setting's value, as it stands in a link. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const openSession = (keep?: string): Promise<Session> => open(keep === undefined ? {} : { keep });
