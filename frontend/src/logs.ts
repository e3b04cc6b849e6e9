/**
 * The log of one service: subscribed once for all who look at it, kept while somebody does.
 *
 * Belongs here: the subscription, its backlog and its resume, and the lines that are kept. It must not know how they
 * are shown.
 */

import { entryOf, gapEntry, isMark, type LogEntry } from "./lines.js";
import { problemOf } from "./problems.js";
import type { Ack, LogLine, LogStateEvent, Problem, SubscribeLogs } from "./protocol.js";
import { overlap, Repeats } from "./resume.js";
import { Timer } from "./timer.js";

/** `offline`: not connected to the server. `reconnecting`: the server is not connected to the node. */
export type LogState = "loading" | "live" | "reconnecting" | "ended" | "offline";

/** What a log needs of the connection. */
export interface Link {
  readonly isReady: boolean;
  readonly epoch: number;
  emit(event: string, ...args: unknown[]): void;
}

export interface LogReader {
  readonly maxLines: number;
  changed(): void;
}

const LINGER = 1000;
/** Milliseconds between "subscribed" and "there are no lines": the first ones are on their way. */
const FIRST_LINES = 300;
/** The same for a server that says nothing. */
const SILENCE = 10_000;
const UNSUBSCRIBED = 1000;
/** Milliseconds without a line after which a backlog without cursors is taken to be whole; and at most. */
const QUIET = 250;
const HELD = 1500;
const MAX_BACKLOG = 5000;
const RETRY = [5_000, 10_000, 20_000, 40_000, 60_000];

export class LogFeed {
  readonly readers = new Set<LogReader>();
  entries: LogEntry[] = [];
  isLoading = true;
  problem: Problem | null = null;
  /** Changes with `entries`. */
  version = 0;
  private told: LogState = "loading";
  private remote: "none" | "subscribed" | "leaving" = "none";
  private asked = false;
  private refusals = 0;
  private cursor: string | null = null;
  private unfinished: string[] = [];
  private repeats: Repeats | null = null;
  private held: LogLine[] | null = null;
  private lingering = new Timer();
  private loading = new Timer();
  private leaving = new Timer();
  private retrying = new Timer();
  private quiet = new Timer();
  private holding = new Timer();

  /**
   * @param nextId gives a number that grows
   * @param ended is called when nobody looks any more
   */
  constructor(
    readonly service: string,
    private link: Link,
    private nextId: () => number,
    private ended: () => void,
  ) {}

  get state(): LogState {
    return this.link.isReady ? this.told : "offline";
  }

  // -- who looks

  add(reader: LogReader): void {
    this.lingering.clear();
    this.readers.add(reader);
    this.sync();
  }

  remove(reader: LogReader): void {
    this.readers.delete(reader);
    if (!this.readers.size) this.lingering.set(LINGER, () => this.leave());
  }

  private get kept(): number {
    return Math.max(1, ...[...this.readers].map((each) => each.maxLines));
  }

  private leave(): void {
    this.retrying.clear();
    if (this.remote !== "subscribed" || !this.link.isReady) {
      this.close();
      return;
    }
    // Lines may be under way. They are not listened to, so what comes after the next subscribe is its own.
    this.remote = "leaving";
    this.settle(true);
    const epoch = this.link.epoch;
    const left = (): void => {
      if (this.remote !== "leaving" || epoch !== this.link.epoch) return;
      this.leaving.clear();
      this.remote = "none";
      if (this.readers.size) this.sync();
      else this.close();
    };
    this.leaving.set(UNSUBSCRIBED, left);
    this.link.emit("unsubscribe_logs", { service: this.service }, left);
  }

  private close(): void {
    const { lingering, loading, leaving, retrying, quiet, holding } = this;
    for (const each of [lingering, loading, leaving, retrying, quiet, holding]) each.clear();
    this.ended();
  }

  // -- the subscription

  /** The connection is there: subscribes, again after what was the last. */
  ready(): void {
    this.refusals = 0;
    this.retrying.clear();
    this.sync();
  }

  /** The connection is gone, and the subscription with it. */
  down(): void {
    this.settle(true);
    this.loading.clear();
    this.retrying.clear();
    const leaving = this.remote === "leaving";
    this.remote = "none";
    if (leaving && !this.readers.size) this.close();
    else this.changed();
  }

  private sync(): void {
    if (this.link.isReady && this.remote === "none" && this.readers.size && !this.retrying.isSet) this.subscribe();
  }

  private subscribe(): void {
    const payload: SubscribeLogs = { service: this.service, batch: true };
    // A log that was empty when it was looked at: all that came since.
    if (this.cursor) payload.after = this.cursor;
    else payload.lines = this.asked && !this.isLoading ? MAX_BACKLOG : Math.min(this.kept, MAX_BACKLOG);
    this.repeats = this.held = null;
    if (this.cursor) {
      const known = this.entries.flatMap(({ cursor }) => (cursor ? [cursor] : []));
      this.repeats = new Repeats([...this.unfinished], new Set([...known, this.cursor]));
    } else if (this.entries.length) this.held = [];
    this.asked = true;
    this.remote = "subscribed";
    this.told = "loading";
    if (this.isLoading) this.loading.set(SILENCE, () => this.loaded());
    const epoch = this.link.epoch;
    this.link.emit("subscribe_logs", payload, (answer?: Ack) => {
      if (epoch === this.link.epoch && this.remote === "subscribed") this.answered(answer);
    });
    this.changed();
  }

  private answered(answer: Ack | undefined): void {
    if (answer?.ok === false) {
      this.fail(problemOf(answer.error));
      this.retry();
      return;
    }
    if (this.refusals) this.problem = null;
    this.refusals = 0;
    if (this.told === "loading") this.told = "live";
    if (this.isLoading) this.loading.set(FIRST_LINES, () => this.loaded());
    this.changed();
  }

  private loaded(): void {
    this.loading.clear();
    this.isLoading = false;
    this.changed();
  }

  /** It can't be followed, now or any more. */
  fail(problem: Problem): void {
    this.problem = problem;
    this.loaded();
  }

  private retry(): void {
    this.remote = "none";
    this.told = "ended";
    const delay = RETRY[Math.min(this.refusals++, RETRY.length - 1)] ?? 0;
    this.retrying.set(delay * (0.75 + Math.random() / 2), () => this.sync());
    this.changed();
  }

  // -- what comes

  /** `log_state`. */
  stateChanged(event: LogStateEvent): void {
    if (this.remote !== "subscribed") return;
    if (event.state === "gap") {
      this.settle(true);
      const { service: _, state: __, ...gap } = event;
      this.push(gapEntry(this.nextId(), this.service, { ...gap, reason: gap.reason ?? "unknown" }));
      this.changed();
    } else if (event.state === "ended") {
      this.settle(true);
      this.retry();
      if (event.reason === "session_changed") {
        this.refusals = 0;
        this.ready();
      }
    } else {
      this.told = event.state;
      if (event.state === "live") this.loaded();
      this.changed();
    }
  }

  /** `log_data` and `log_batch`. */
  take(lines: readonly LogLine[]): void {
    if (this.remote !== "subscribed") return;
    for (const line of lines) if (typeof line?.line === "string") this.takeOne(line);
    if (this.told === "loading") this.told = "live";
    this.problem = null;
    this.refusals = 0;
    if (!this.held?.length) this.loaded();
  }

  private takeOne(line: LogLine): void {
    if (isMark(line) && !this.entries.length) return;
    // A server that knows no cursors sends its backlog again.
    if (this.repeats && line.cursor === undefined) {
      this.repeats = null;
      this.held = [];
    }
    if (this.held) this.hold(this.held, line);
    else if (!this.repeats?.has(line)) {
      this.repeats = null;
      this.keep(line);
    }
  }

  private keep(line: LogLine): void {
    this.push(entryOf(this.nextId(), this.service, line));
    if (line.cursor) {
      this.cursor = line.cursor;
      this.unfinished = [];
    } else if (line.cursor === null) this.unfinished.push(line.line);
  }

  private push(entry: LogEntry): void {
    this.entries.push(entry);
    this.version += 1;
    const kept = this.kept;
    if (this.entries.length >= 2 * kept + 100) this.entries = this.entries.slice(-kept);
  }

  private hold(held: LogLine[], line: LogLine): void {
    if (!held.length) this.holding.set(HELD, () => this.settle(false));
    held.push(line);
    this.quiet.set(QUIET, () => this.settle(false));
    if (held.length >= MAX_BACKLOG) this.settle(false);
  }

  /** Joins a backlog without cursors to what is here. */
  private settle(cut: boolean): void {
    const { held } = this;
    this.held = null;
    this.quiet.clear();
    this.holding.clear();
    if (!held?.length) return;
    const before = this.entries.filter((each) => !each.gap).map((each) => each.raw);
    const again = held.map((each) => entryOf(0, "", each).raw);
    const known = overlap(before, again, cut);
    if (known === null) this.push(gapEntry(this.nextId(), this.service, { reason: "reconnected" }));
    for (const line of held.slice(known ?? 0)) this.keep(line);
    this.loaded();
  }

  changed(): void {
    for (const reader of this.readers) reader.changed();
  }
}
