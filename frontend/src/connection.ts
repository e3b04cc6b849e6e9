/**
 * One socket to one server: connected, logged in, and brought back.
 *
 * Belongs here: when to connect, when to show the token, when to try again and when to stop. It must not know what is
 * subscribed; `Follower` is told when there is somebody to ask.
 *
 *   from             to                what happens
 *   idle             connecting        somebody looks (stopped, if there is no token)
 *   connecting       authenticating    connected
 *   authenticating   ready             accepted
 *   any of these     waiting           a network, or a login that may work later: tried for ever, with growing pauses
 *   any of these     stopped           a session that is over: until there is another token (connecting, if there is)
 *   waiting          authenticating    tried again, on the same socket if it still stands; else connecting
 *   waiting          ready             accepted after all
 *   stopped          connecting        another token
 *   each             idle              nobody has looked for a second, or `close`
 */

import { io } from "socket.io-client";
import { Credentials } from "./credentials.js";
import { Observed, type Frames } from "./observable.js";
import * as problems from "./problems.js";
import { isAway, isExpired, isFinal, problemOf } from "./problems.js";
import type { NodeState, Problem } from "./protocol.js";
import { makeSocket, type RealtimeSocket } from "./socket.js";
import { Timer } from "./timer.js";
import type { TokenSource } from "./token.js";

export type { RealtimeSocket };
export type Phase = "idle" | "connecting" | "authenticating" | "ready" | "waiting" | "stopped";

export interface ConnectionState {
  phase: Phase;
  isConnected: boolean;
  isAuthenticated: boolean;
  /** What is wrong, or null. */
  problem: Problem | null;
  /** The server's connection to the node, or null while it is not known. */
  node: NodeState | null;
  /** When it is tried again, in milliseconds since the epoch, or null. */
  retryAt: number | null;
  socket: RealtimeSocket | null;
}

/** What lives on the connection. */
export interface Follower {
  /** Logged in: subscriptions can be sent. */
  ready(): void;
  /** The connection is gone, and every subscription with it. */
  down(): void;
  /** The node came or went. */
  node(state: NodeState["state"]): void;
  /** Return true if an error is about one of its subscriptions. */
  claims(problem: Problem): boolean;
  event(name: string, ...args: unknown[]): void;
  /** Something about the connection is not what it was. */
  refresh(): void;
}

export interface ConnectionOptions {
  /** The session's token, or where it is found each time; left out: cookie `ssh_session_ws`, else localStorage. */
  token?: TokenSource | undefined;
  /** For tests. */
  io?: typeof io;
}

const LINGER = 1000;
/** Milliseconds for the server's answer to CONNECT; it may wait 8 s for the node's. */
const CONNECT_TIMEOUT = 45_000;
/** Milliseconds for the answer to `authenticate`: a first SSH login takes as long as that. */
const LOGIN_TIMEOUT = 60_000;
/** A connection that held this long was a good one. */
const STEADY = 5_000;
const TOKEN_CHECK = 1_000;
/** Milliseconds between two tries, at most. */
const MOST = 30_000;

export class Connection extends Observed<ConnectionState> {
  private socket: RealtimeSocket | null = null;
  private phase: Phase = "idle";
  private problem: Problem | null = null;
  private node: NodeState | null = null;
  private credentials: Credentials;
  private failures = 0;
  private users = 0;
  private timer = new Timer();
  private steady = new Timer();
  private lingering = new Timer();
  private retryAt: number | null = null;
  private hurried = false;
  /** Connections so far: what belongs to an earlier one is not listened to. */
  epoch = 0;

  constructor(
    private url: string,
    private options: ConnectionOptions,
    private follower: Follower,
    frames: Frames,
  ) {
    super(frames);
    this.credentials = new Credentials(options.token);
  }

  get isReady(): boolean {
    return this.phase === "ready";
  }

  /** Somebody needs the connection. */
  get isHeld(): boolean {
    return this.users > 0;
  }

  get isStopped(): boolean {
    return this.phase === "stopped";
  }

  get nodeState(): NodeState["state"] | undefined {
    return this.node?.state;
  }

  get problemNow(): Problem | null {
    return this.problem;
  }

  emit(event: string, ...args: unknown[]): void {
    (this.socket as { emit(event: string, ...args: unknown[]): void } | null)?.emit(event, ...args);
  }

  // -- who needs it

  /** Keeps the connection open until the function that it returns is called. */
  hold(): () => void {
    this.users += 1;
    this.lingering.clear();
    if (this.phase === "idle") this.start();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.users -= 1;
      if (!this.users) this.lingering.set(LINGER, () => this.close());
    };
  }

  protected override opened(): void {
    this.release = this.hold();
  }

  protected override closed(): void {
    this.release();
  }

  private release = (): void => {};

  private start(): void {
    globalThis.addEventListener?.("online", this.hurry);
    globalThis.document?.addEventListener("visibilitychange", this.hurry);
    this.credentials.forgive();
    this.failures = 0;
    this.open();
  }

  /** Disconnects now. Whoever still looks, or looks again, connects anew with `reconnect`. */
  close(): void {
    globalThis.removeEventListener?.("online", this.hurry);
    globalThis.document?.removeEventListener("visibilitychange", this.hurry);
    this.lingering.clear();
    this.credentials.leave();
    this.leave("idle", null);
  }

  /** Tries again now, whatever was. */
  reconnect = (): void => {
    this.leave("idle", null);
    if (this.users) this.start();
  };

  // -- on the way in

  private open(): void {
    const token = this.credentials.pick();
    if (token === null) {
      this.stop(this.problem && this.credentials.wereRefused ? this.problem : problems.NO_SESSION);
      return;
    }
    this.credentials.show(token);
    this.enter("connecting");
    this.timer.set(CONNECT_TIMEOUT, () => this.lost(problems.SLOW));
    this.socket ??= makeSocket(this.url, this.options.io ?? io, {
      connected: () => this.authenticate(),
      disconnected: () => this.disconnected(),
      refused: (error) => this.failed(error),
      entered: () => this.entered(),
      node: (state) => this.nodeChanged(state),
      error: (problem) => this.told(problem),
      event: (name, ...args) => this.follower.event(name, ...args),
    });
    this.socket.auth = { token };
    this.socket.connect();
  }

  private authenticate(): void {
    this.enter("authenticating");
    this.timer.set(LOGIN_TIMEOUT, () => this.lost(problems.SLOW));
    const epoch = this.epoch;
    let told: Problem | undefined;
    this.loginProblem = (problem) => (told = problem);
    this.socket?.emit("authenticate", this.credentials.token, (success) => {
      if (epoch !== this.epoch) return;
      if (success) this.entered();
      else if (this.phase === "authenticating") this.loginFailed(told ?? problems.REFUSED);
    });
  }

  private loginProblem: (problem: Problem) => void = () => {};

  private entered(): void {
    this.problem = null;
    this.credentials.accept();
    if (this.phase !== "ready") {
      this.enter("ready");
      this.steady.set(STEADY, () => (this.failures = 0));
      this.follower.ready();
    }
    this.changed();
  }

  // -- what goes wrong

  private failed(error: Error & { data?: unknown }): void {
    if (!("data" in error)) {
      this.lost(problems.UNREACHABLE);
      return;
    }
    const details = typeof error.data === "object" && error.data !== null ? error.data : {};
    this.loginFailed(problemOf({ ...details, message: error.message }));
  }

  private loginFailed(problem: Problem): void {
    if (isFinal(problem)) this.end(problem);
    else if (isExpired(problem) && this.credentials.unknown()) this.end(problem);
    else this.retry(problem, 1000); // a session that is not known may just have been written
  }

  /** An `error` event. */
  private told(problem: Problem): void {
    if (this.follower.claims(problem)) return;
    if (isFinal(problem) || (this.isReady && isExpired(problem))) {
      this.end(problem);
      return;
    }
    if (isAway(problem)) {
      if (this.node?.state !== "lost") this.node = { ...this.node, state: "reconnecting" };
      this.follower.node("lost"); // the server has waited before it said so
    }
    this.problem = problem;
    this.loginProblem(problem);
    this.changed();
    if (this.isReady && (problem.code === "not_authenticated" || problem.message === "Not authenticated.")) {
      this.lost(problem);
    }
  }

  private nodeChanged(state: NodeState): void {
    if (typeof state?.state !== "string") return;
    this.node = state;
    if (state.state === "connected" && this.problem && isAway(this.problem)) this.problem = null;
    this.follower.node(state.state);
    this.changed();
  }

  private disconnected(): void {
    if (this.phase === "idle" || this.phase === "stopped") return; // our own doing
    if (this.phase === "waiting") return this.changed(); // the login has failed: it is tried again as it is
    this.lost(this.problem ?? problems.LOST);
  }

  private lost(problem: Problem): void {
    this.leave("waiting", problem);
    this.retry(problem, 500);
    this.hurried = true;
  }

  /** The session is of no use: another token is waited for. */
  private end(problem: Problem): void {
    this.credentials.refuse();
    this.leave("idle", problem);
    this.open(); // with another token, if there is one already
  }

  private stop(problem: Problem): void {
    this.leave("stopped", problem);
    const look = (): void => {
      if (this.credentials.pick() !== null) this.open();
      else this.timer.set(TOKEN_CHECK, look);
    };
    this.timer.set(TOKEN_CHECK, look);
  }

  // -- time

  /** Exponential, and never the same for two pages: a server that comes back is not run down. */
  private retry(problem: Problem, first: number): void {
    const delay = Math.min(MOST, first * 2 ** Math.min(this.failures++, 10)) * (0.5 + Math.random() / 2);
    this.enter("waiting");
    this.problem = problem;
    this.retryAt = Date.now() + delay;
    this.timer.set(delay, this.again);
  }

  private again = (): void => {
    if (this.socket?.connected && this.credentials.pick() === this.credentials.token) this.authenticate();
    else {
      this.leave("idle", this.problem);
      this.open();
    }
  };

  /** The network is back, or the page is looked at again: no reason to wait any longer. */
  private hurry = (): void => {
    if (this.phase !== "waiting" || !this.hurried || globalThis.document?.visibilityState === "hidden") return;
    this.failures = Math.min(this.failures, 3);
    this.again();
  };

  private enter(phase: Phase): void {
    this.timer.clear();
    this.phase = phase;
    this.retryAt = null;
    this.hurried = false;
    this.changed();
  }

  /** Lets go of the connection, if there is one. */
  private leave(phase: Phase, problem: Problem | null): void {
    this.steady.clear();
    this.epoch += 1;
    this.enter("idle"); // so that what `disconnect` tells is known for our own doing
    this.socket?.disconnect();
    this.enter(phase);
    this.problem = problem;
    this.node = null;
    this.follower.down();
  }

  override changed(): void {
    super.changed();
    this.follower.refresh();
  }

  protected make(): ConnectionState {
    const isConnected = this.socket?.connected ?? false;
    const { phase, problem, node, retryAt, socket } = this;
    return { phase, isConnected, isAuthenticated: phase === "ready", problem, node, retryAt, socket };
  }

  makeInitial(): ConnectionState {
    const nothing = { problem: null, node: null, retryAt: null, socket: null };
    return { phase: "idle", isConnected: false, isAuthenticated: false, ...nothing };
  }
}
