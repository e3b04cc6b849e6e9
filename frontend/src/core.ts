/** The store, for any framework or none. */
export type { ConnectionOptions, ConnectionState, Phase, RealtimeSocket } from "./connection.js";
export type { LogPage, ReadQuery } from "./history.js";
export type { LogEntry } from "./lines.js";
export type { LogState } from "./logs.js";
export type { Observable } from "./observable.js";
export { RealtimeError } from "./problems.js";
export type * from "./protocol.js";
export { createRealtime, type Realtime } from "./realtime.js";
export { configureRealtime, sharedRealtime, type RealtimeConfig } from "./shared.js";
export type { StatusSnapshot } from "./status.js";
export type { TokenSource } from "./token.js";
export type { LogSnapshot, LogView } from "./view.js";
