/**
 * What one viewer sees of a log: its last lines, cleared and paused for itself.
 *
 * Belongs here: the window onto a shared log. Nothing is subscribed until somebody observes it.
 */

import type { LogEntry } from "./lines.js";
import type { LogFeed, LogReader, LogState } from "./logs.js";
import { Observed, type Frames } from "./observable.js";
import type { LogPage, ReadQuery } from "./history.js";
import type { Problem } from "./protocol.js";

export interface LogSnapshot {
  logs: readonly LogEntry[];
  isLoading: boolean;
  /** What keeps this log from being live, or null. */
  problem: Problem | null;
  state: LogState;
  /** New lines come as they are printed. When false, what is shown may be old. */
  isLive: boolean;
  isPaused: boolean;
  /** Lines that came since it was paused. */
  missed: number;
}

/** What a view needs of the store. */
export interface LogSource {
  attach(service: string, reader: LogReader): LogFeed;
  detach(feed: LogFeed, reader: LogReader): void;
  readonly problem: Problem | null;
  readonly nodeAway: boolean;
  read(query: ReadQuery): Promise<LogPage>;
}

export const MAX_LINES = 200;
const NOTHING: readonly LogEntry[] = [];

export class LogView extends Observed<LogSnapshot> implements LogReader {
  readonly service: string;
  readonly maxLines: number;
  private feed: LogFeed | null = null;
  private from = 0;
  private paused: { logs: readonly LogEntry[]; last: number } | null = null;
  private shown: { logs: readonly LogEntry[]; version: number; from: number; feed: LogFeed } | null = null;
  private before: string | null = null;

  constructor(
    private source: LogSource,
    service: string | null | undefined,
    maxLines: number | undefined,
    frames: Frames,
  ) {
    super(frames);
    this.service = (service ?? "").replace(/\.service$/, "");
    this.maxLines = maxLines !== undefined && maxLines >= 1 ? Math.floor(maxLines) : MAX_LINES;
  }

  protected override opened(): void {
    if (this.service) this.feed = this.source.attach(this.service, this);
    this.changed();
  }

  protected override closed(): void {
    if (this.feed) this.source.detach(this.feed, this);
    this.changed();
  }

  /** Hides the lines so far, for this viewer. */
  clear = (): void => {
    this.from = this.last + 1;
    this.before = null;
    if (this.paused) this.paused = { logs: NOTHING, last: this.last };
    this.changed();
  };

  /** Holds the picture still. Lines go on to be kept, up to `maxLines`. */
  pause = (): void => {
    this.paused ??= { logs: this.lines(), last: this.last };
    this.changed();
  };

  resume = (): void => {
    this.paused = null;
    this.changed();
  };

  /**
   * Reads what was before: first before the oldest line shown, then on from there. `more` is false once nothing is
   * left. Rejects with a `RealtimeError`, whose code is `unsupported` when the server keeps no history.
   */
  readBefore = async (limit = 200): Promise<LogPage> => {
    const oldest = this.before ?? this.get().logs.find((each) => each.cursor)?.cursor;
    const page = await this.source.read({ service: this.service, limit, ...(oldest ? { before: oldest } : {}) });
    this.before = page.before ?? page.entries.find((each) => each.cursor)?.cursor ?? this.before;
    return page;
  };

  private get last(): number {
    return this.feed?.entries.at(-1)?.id ?? 0;
  }

  private lines(): readonly LogEntry[] {
    const { feed, from, shown } = this;
    if (!feed) return NOTHING;
    if (shown?.feed === feed && shown.version === feed.version && shown.from === from) return shown.logs;
    let start = Math.max(0, feed.entries.length - this.maxLines);
    while (start < feed.entries.length && (feed.entries[start] as LogEntry).id < from) start += 1;
    const logs = feed.entries.slice(start);
    this.shown = { logs, version: feed.version, from, feed };
    return logs;
  }

  protected make(): LogSnapshot {
    const { feed, paused, source } = this;
    const problem = feed?.problem ?? (this.service ? source.problem : null);
    const state = feed?.state ?? (this.service ? "loading" : "offline");
    let missed = 0;
    if (paused && feed) for (let at = feed.entries.length; at-- && (feed.entries[at] as LogEntry).id > paused.last; ) missed += 1;
    return {
      logs: paused?.logs ?? this.lines(),
      // Whoever reads what is wrong needs no spinner.
      isLoading: this.service !== "" && (feed?.isLoading ?? true) && problem === null,
      problem,
      state,
      isLive: state === "live" && !source.nodeAway,
      isPaused: paused !== null,
      missed,
    };
  }

  makeInitial(): LogSnapshot {
    const state = this.service ? "loading" : "offline";
    const rest = { problem: null, isLive: false, isPaused: false, missed: 0 } as const;
    return { logs: NOTHING, isLoading: this.service !== "", state, ...rest };
  }
}
