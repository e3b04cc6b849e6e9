/** The socket of socket.io-client, as this server wants it, and what happens on it by name. */

import type { io, Socket } from "socket.io-client";
import { safely } from "./observable.js";
import { problemOf } from "./problems.js";
import type { ClientToServerEvents, NodeState, Problem, ServerToClientEvents } from "./protocol.js";

export type RealtimeSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/** Who is told. */
export interface SocketOwner {
  connected(): void;
  disconnected(): void;
  refused(error: Error & { data?: unknown }): void;
  entered(): void;
  node(state: NodeState): void;
  error(problem: Problem): void;
  /** Each event, those above with it. */
  event(name: string, ...args: unknown[]): void;
}

/** Returns a socket that is not connected yet, and never connects by itself. */
export function makeSocket(url: string, make: typeof io, owner: SocketOwner): RealtimeSocket {
  const socket: RealtimeSocket = make(url, {
    path: "/",
    addTrailingSlash: false,
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    withCredentials: true,
    forceNew: true,
    autoConnect: false,
    reconnection: false, // one backoff, for all reasons, is the connection's
  });
  socket.on("connect", () => owner.connected());
  socket.on("disconnect", () => owner.disconnected());
  socket.on("connect_error", (error) => owner.refused(error));
  socket.on("authenticated", () => owner.entered());
  socket.on("connection_state", (state) => owner.node(state));
  socket.on("error", (payload) => owner.error(problemOf(payload)));
  const pass = (name: string, ...args: unknown[]): void => safely(() => owner.event(name, ...args));
  socket.onAny(pass);
  for (const name of ["connect", "disconnect", "connect_error"] as const) {
    socket.on(name, (...args: unknown[]) => pass(name, ...args)); // which onAny leaves out
  }
  return socket;
}
