/**
 * The wire: what this client sends to the server, and what it hears.
 *
 * Belongs here: types, and nothing that runs. `docs/events.json` has an example of each, which a test of the server
 * takes from a running server, and a test here holds these types to it.
 */

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "critical";

/** What is wrong, for a person (`message`, `hint`) and for a program (`code`). */
export interface Problem {
  message: string;
  code?: string;
  /** The service it is about, when it is about one. */
  service?: string;
  hint?: string;
}

/** As printed, under the same names for every client; `block` and `hash` are the execution block's. */
export interface EthFields {
  slot?: string;
  epoch?: string;
  block?: string;
  hash?: string;
  peers?: string;
}

/** `log_data`, and an entry of `log_batch`. The TypeScript server sends `service` and `line` only. */
export interface LogLine {
  service: string;
  line: string;
  /** ISO 8601, UTC, microseconds. */
  timestamp?: string | null;
  level?: Level | null;
  component?: string | null;
  message?: string;
  fields?: Record<string, string>;
  /** Null on all lines of a journal entry but its last. */
  cursor?: string | null;
  continuation?: boolean;
  eth?: EthFields;
  /** The boot it is from, on the first line of a log, a page or a batch and on the first one of each boot. */
  boot?: string;
}

export interface LogBatch {
  service?: string;
  /** In place of `service`: the services that were subscribed to together. Each entry says whose it is. */
  services?: string[];
  entries: LogLine[];
}

/** Lines that can't be had any more. */
export interface Gap {
  /** `vacuumed`, `slow`, `damaged`, `order`; or `reconnected`, when a server without cursors can't tell. */
  reason: string;
  /** How many, if known. */
  skipped?: number;
  from?: string | null;
  to?: string | null;
  /** What to do about it, for `damaged`. */
  hint?: string;
}

export interface LogStateEvent extends Partial<Gap> {
  service: string;
  state: "live" | "reconnecting" | "gap" | "ended";
  attempt?: number;
  /** Seconds. */
  retry_in?: number;
}

/** One service in a `status_update`. The TypeScript server sends `service` and `status` only. */
export interface ServiceStatus {
  service: string;
  /** `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`, `not_installed` or `unknown`. */
  status: string;
  sub_state?: string | null;
  description?: string | null;
  client?: string | null;
  since?: string | null;
  main_pid?: number | null;
  restarts?: number | null;
  memory_bytes?: number | null;
  enabled?: boolean | null;
  result?: string | null;
  exit_status?: number | null;
  last_lines?: string[];
  /** When the node was asked; absent while it can't be. */
  at?: string;
}

/** `connection_state`: the server's SSH connection to the node. */
export interface NodeState {
  state: "connected" | "reconnecting" | "lost";
  attempt?: number;
  /** Seconds. */
  retry_in?: number;
  /** What a connected node says of itself; `clock_offset_ms`: by how much its clock is ahead of the server's. */
  node?: { name?: string | null; zone?: string | null; clock_offset_ms?: number | null };
}

interface LogOptions {
  /** The backlog of each service. */
  lines?: number;
  batch?: boolean;
  lossless?: boolean;
}

/** One service, or several that are merged by time, each `after` its own cursor. */
export type SubscribeLogs = LogOptions &
  ({ service: string; after?: string } | { services: string[]; after?: Record<string, string> });

export type UnsubscribeLogs = { service: string } | { services: string[] };

export interface SubscribeStatus {
  /** Milliseconds. */
  interval?: number;
  /** The five core units always, also those that the node never had. */
  all?: boolean;
}

export interface ReadLogs {
  service?: string;
  services?: string[];
  before?: string;
  after?: string;
  around?: string;
  since?: string | number;
  until?: string | number;
  level?: Level;
  match?: string;
  eth?: { slot: number | string } | { block: number | string } | { epoch: number | string };
  limit?: number;
  /** Stretches of time to count lines in, in place of entries; needs `since` and `until`. */
  counts?: number;
  mask?: boolean;
  /** A newer call with the same one ends the older. */
  id?: string;
}

export interface Ack {
  ok: boolean;
  error?: Problem;
}

export interface ReadLogsAck extends Ack {
  entries?: LogLine[];
  before?: string;
  after?: string;
  scanned?: { entries: number; from: string | null; until: string | null };
  gaps?: { after: string | null; reason: string; from: string | null; to: string | null }[];
  /** `[begin in ms, lines, warnings, errors]` of each stretch. */
  counts?: [number, number, number, number][];
  more?: boolean;
}

export interface ServerToClientEvents {
  authenticated: () => void;
  log_data: (line: LogLine) => void;
  log_batch: (batch: LogBatch) => void;
  log_state: (state: LogStateEvent) => void;
  status_update: (services: ServiceStatus[]) => void;
  connection_state: (state: NodeState) => void;
  error: (problem: Problem) => void;
}

export interface ClientToServerEvents {
  authenticate: (token: string, ack?: (success: boolean) => void) => void;
  subscribe_logs: (payload: SubscribeLogs, ack?: (answer: Ack) => void) => void;
  unsubscribe_logs: (payload: UnsubscribeLogs, ack?: (answer: Ack) => void) => void;
  subscribe_status: (payload: SubscribeStatus, ack?: (answer: Ack) => void) => void;
  unsubscribe_status: (ack?: (answer: Ack) => void) => void;
  read_logs: (payload: ReadLogs, ack?: (answer: ReadLogsAck) => void) => void;
}
