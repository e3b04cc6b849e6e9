/**
 * The states of the services: subscribed once, at the shortest interval that anybody wants.
 *
 * Belongs here: what is known of the services, and for how long that may be believed. A green badge for a node that is
 * away is a lie: three seconds after the first doubt every state is `unknown`, until a fresh update comes.
 */

import type { Link } from "./logs.js";
import { Observed, type Frames, type Observable } from "./observable.js";
import { problemOf } from "./problems.js";
import type { Ack, Problem, ServiceStatus } from "./protocol.js";
import { Timer } from "./timer.js";

export interface StatusSnapshot {
  /** One word a service; `unknown` for all while the node, or the server, is away. */
  statuses: Readonly<Record<string, string>>;
  /** All that was last known, also while it is doubted. */
  details: Readonly<Record<string, ServiceStatus>>;
  isLoading: boolean;
  /** What is shown may be old. */
  isStale: boolean;
  /** When the last update came, in milliseconds since the epoch, or null. */
  updatedAt: number | null;
  problem: Problem | null;
}

export const POLL_INTERVAL = 5000;
const LINGER = 1000;
const DOUBT = 3000;
const LATE = 15_000;
const RETRY = 5_000;

export class StatusFeed extends Observed<StatusSnapshot> {
  private details: Record<string, ServiceStatus> = {};
  private words: Record<string, string> = {};
  private intervals = new Set<{ interval: number }>();
  private sent: number | null = null;
  private updatedAt: number | null = null;
  private doubt: "none" | "stale" | "unknown" = "none";
  private problem: Problem | null = null;
  private idle = true;
  private lingering = new Timer();
  private doubting = new Timer();
  private late = new Timer();
  private retrying = new Timer();

  /** @param connectionProblem what is wrong with the connection */
  constructor(
    private link: Link,
    private connectionProblem: () => Problem | null,
    frames: Frames,
  ) {
    super(frames);
  }

  // -- who looks

  /** The states, asked for at least this often while they are observed. */
  every(interval: number | undefined): Observable<StatusSnapshot> {
    const wish = { interval: interval !== undefined && interval > 0 ? interval : POLL_INTERVAL };
    const subscribe = (run: (value: StatusSnapshot) => void): (() => void) => {
      const mine = { ...wish };
      this.intervals.add(mine);
      this.idle = false;
      this.lingering.clear();
      const stop = this.subscribe(run);
      this.sync();
      return () => {
        stop();
        if (!this.intervals.delete(mine)) return;
        if (this.intervals.size) this.sync();
        else this.lingering.set(LINGER, () => this.leave());
      };
    };
    return { get: this.get, initial: this.initial, subscribe };
  }

  private leave(): void {
    if (this.sent !== null && this.link.isReady) this.link.emit("unsubscribe_status");
    this.forget();
  }

  private forget(): void {
    this.idle = true;
    for (const timer of [this.doubting, this.late, this.retrying]) timer.clear();
    this.sent = this.updatedAt = this.problem = null;
    this.details = {};
    this.words = {};
    this.doubt = "none";
    this.changed();
  }

  // -- the subscription

  ready(): void {
    this.sync();
  }

  down(): void {
    this.retrying.clear();
    this.late.clear();
    this.sent = null;
    this.doubted();
  }

  private sync(): void {
    if (!this.link.isReady || !this.intervals.size) return;
    const interval = Math.min(...[...this.intervals].map((each) => each.interval));
    if (interval === this.sent) return;
    // The TypeScript server takes no second one, and has no ack.
    if (this.sent !== null) this.link.emit("unsubscribe_status");
    this.sent = interval;
    this.expect();
    const epoch = this.link.epoch;
    this.link.emit("subscribe_status", { interval }, (answer?: Ack) => {
      if (epoch !== this.link.epoch || answer?.ok !== false) return;
      this.fail(problemOf(answer.error));
      this.sent = null;
      this.retrying.set(RETRY, () => this.sync());
    });
  }

  private expect(): void {
    this.late.set(2 * (this.sent ?? POLL_INTERVAL) + LATE, () => this.doubted());
  }

  // -- what comes

  /** `status_update`. Services are merged: older servers send some of them only. */
  take(services: readonly ServiceStatus[]): void {
    if (!Array.isArray(services) || this.idle) return;
    for (const each of services) {
      if (typeof each?.service !== "string" || typeof each.status !== "string") continue;
      // The TypeScript server says "active running Geth": the state is the first word.
      const status = each.status.trim().split(/\s+/)[0] || "unknown";
      this.words[each.service] = status;
      // The server says `unknown`, and nothing else, of a node that is away: what was known before stays.
      if (status !== "unknown" || !(each.service in this.details)) this.details[each.service] = { ...each, status };
    }
    this.updatedAt = Date.now();
    this.doubting.clear();
    this.doubt = services.length && services.every((each) => each?.status === "unknown") ? "stale" : "none";
    this.problem = null;
    this.expect();
    this.changed();
  }

  fail(problem: Problem): void {
    this.problem = problem;
    this.doubted();
  }

  /** What is shown may not be true any more. */
  doubted(now = false): void {
    if (this.idle) return;
    if (now) {
      this.doubt = "unknown";
    } else if (this.doubt === "none") {
      this.doubt = "stale";
      this.doubting.set(DOUBT, () => this.doubted(true));
    }
    this.changed();
  }

  /** The node is back: asks at once, rather than at the next interval. */
  ask(): void {
    if (this.doubt === "none") return;
    if (this.sent !== null) this.link.emit("unsubscribe_status");
    this.sent = null;
    this.sync();
  }

  // -- what is shown

  protected make(): StatusSnapshot {
    const unknown = this.doubt === "unknown";
    const statuses: Record<string, string> = {};
    for (const [service, word] of Object.entries(this.words)) statuses[service] = unknown ? "unknown" : word;
    const problem = this.problem ?? this.connectionProblem();
    return {
      statuses,
      details: { ...this.details },
      isLoading: this.updatedAt === null && problem === null && !unknown,
      isStale: this.doubt !== "none",
      updatedAt: this.updatedAt,
      problem,
    };
  }

  makeInitial(): StatusSnapshot {
    return { statuses: {}, details: {}, isLoading: true, isStale: false, updatedAt: null, problem: null };
  }
}
