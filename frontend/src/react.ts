"use client";
/**
 * The hooks: what the dashboard uses.
 *
 * Belongs here: the store's values under the names that pages know. Rendering subscribes nothing; effects do.
 */

import { createContext, createElement, useContext, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import type { RealtimeSocket } from "./connection.js";
import type { LogPage } from "./history.js";
import type { LogEntry } from "./lines.js";
import type { LogState } from "./logs.js";
import type { Observable } from "./observable.js";
import type { ClientToServerEvents, NodeState, Problem, ServerToClientEvents, ServiceStatus } from "./protocol.js";
import type { Realtime } from "./realtime.js";
import { sharedRealtime } from "./shared.js";
import type { TokenSource } from "./token.js";

const Context = createContext<Realtime | null>(null);

export interface RealtimeProviderProps {
  /** The server. Left out: what was configured, `NEXT_PUBLIC_WS_URL`, or port 3001 of the page's host. */
  url?: string;
  token?: TokenSource;
  /** A store of the application's own, instead of `url` and `token`. */
  realtime?: Realtime;
  children?: ReactNode;
}

/** Gives the hooks below it their server and token. Without one they use the page's. */
export function RealtimeProvider({ url, token, realtime, children }: RealtimeProviderProps): ReactNode {
  const [latest] = useState<{ token: TokenSource | undefined }>({ token });
  latest.token = token;
  const fixed = typeof token === "function" ? undefined : token;
  const asks = typeof token === "function";
  const store = useMemo(() => {
    if (realtime) return realtime;
    const ask = (): string | null | undefined => (typeof latest.token === "function" ? latest.token() : latest.token);
    return sharedRealtime(url, asks ? { token: ask } : fixed === undefined ? undefined : { token: fixed });
  }, [realtime, url, fixed, asks, latest]);
  return createElement(Context.Provider, { value: store }, children);
}

/** The store that the hooks here use. */
export function useRealtime(): Realtime {
  const provided = useContext(Context);
  return useMemo(() => provided ?? sharedRealtime(), [provided]);
}

const useValue = <T>(source: Observable<T>): T => useSyncExternalStore(source.subscribe, source.get, source.initial);

type On = {
  <E extends keyof ServerToClientEvents>(event: E, handler: ServerToClientEvents[E]): () => void;
  (event: string, handler: (...args: any[]) => void): () => void;
};
type Emit = {
  <E extends keyof ClientToServerEvents>(event: E, ...args: Parameters<ClientToServerEvents[E]>): void;
  (event: string, ...args: unknown[]): void;
};

export interface WebSocketHook {
  socket: RealtimeSocket | null;
  isConnected: boolean;
  isAuthenticated: boolean;
  /** What is wrong, in a sentence. */
  lastError: string | null;
  /** Sends an event as soon as the session is accepted. */
  emit: Emit;
  /** Listens, whatever the socket. Returns how to stop. */
  on: On;
  /** Connects anew now. */
  reconnect: () => void;
  /** What is wrong, with `code` and `hint`. */
  problem: Problem | null;
  /** The server's connection to the node; null while not known. */
  node: NodeState | null;
  /** When it is tried again, in ms since the epoch. */
  retryAt: number | null;
}

export function useWebSocket(): WebSocketHook {
  const store = useRealtime();
  const { phase: _, problem, ...state } = useValue(store.connection);
  const { emit, on, reconnect } = store;
  return { ...state, problem, lastError: sentence(problem), emit: emit as Emit, on: on as On, reconnect };
}

export interface NodeStatus {
  /** One word a service; `unknown` for all while the node, or the server, is away. */
  statuses: Record<string, string>;
  isLoading: boolean;
  error: string | null;
  /** All that is known of each service, also while it is doubted. */
  details: Record<string, ServiceStatus>;
  /** What is shown may be old. */
  isStale: boolean;
  /** When the last update came, in ms since the epoch. */
  updatedAt: number | null;
  problem: Problem | null;
}

/** @param pollInterval milliseconds */
export function useNodeStatus(pollInterval = 5000): NodeStatus {
  const store = useRealtime();
  const value = useValue(useMemo(() => store.status(pollInterval), [store, pollInterval]));
  return { ...value, error: sentence(value.problem) };
}

export interface ClientLogs {
  /** Oldest first. Marks where lines are missing have `gap`. */
  logs: LogEntry[];
  isLoading: boolean;
  error: string | null;
  /** Hides the lines so far, here. */
  clearLogs: () => void;
  problem: Problem | null;
  state: LogState;
  /** New lines come as they are printed. When false, what is shown may be old. */
  isLive: boolean;
  /** Holds the picture still; lines go on to be kept. */
  pause: () => void;
  resume: () => void;
  isPaused: boolean;
  /** Lines that came since it was paused. */
  missed: number;
  /** Reads what was before, page by page. Rejects with the code `unsupported` when the server keeps no history. */
  readBefore: (limit?: number) => Promise<LogPage>;
}

/**
 * @param service null: none yet
 * @param maxLines lines kept and shown; a backlog of as many is asked for
 */
export function useClientLogs(service: string | null | undefined, maxLines = 200): ClientLogs {
  const store = useRealtime();
  const view = useMemo(() => store.logs(service, maxLines), [store, service, maxLines]);
  const { logs, ...value } = useValue(view);
  const { clear: clearLogs, pause, resume, readBefore } = view;
  return { ...value, logs: logs as LogEntry[], error: sentence(value.problem), clearLogs, pause, resume, readBefore };
}

const sentence = (problem: Problem | null): string | null => problem?.message ?? null;

