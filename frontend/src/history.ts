/**
 * The past of a log: `read_logs`, asked once.
 *
 * Belongs here: one question and its answer. Servers without history answer with `bad_request`, or not at all; both are
 * the code `unsupported`.
 */

import { entryOf, type LogEntry } from "./lines.js";
import type { Link } from "./logs.js";
import { problemOf, RealtimeError } from "./problems.js";
import type { Problem, ReadLogs, ReadLogsAck } from "./protocol.js";

export type ReadQuery = ReadLogs;

export interface LogPage {
  /** Oldest first. */
  entries: LogEntry[];
  /** There is more before. */
  more: boolean;
  /** Where to go on backwards. */
  before: string | null;
}

/** Milliseconds until a server that has never answered such a question is one that does not know it. */
const UNKNOWN = 25_000;
/** And until one that has is too slow: it may wait for the node and for its turn, and reads a doubtful page twice. */
const TIMEOUT = 60_000;
const UNSUPPORTED: Problem = { code: "unsupported", message: "This server can't read the past of a log." };
const SLOW: Problem = { code: "timeout", message: "The node has not answered in time. Try again in a moment." };
const AWAY: Problem = { code: "disconnected", message: "Not connected to the server at the moment." };

export class History {
  private waiting = new Set<(problem: Problem) => void>();
  private answered = false;
  private ids = 0;

  constructor(private link: Link) {}

  read(query: ReadQuery): Promise<LogPage> {
    return new Promise((resolve, reject) => {
      if (!this.link.isReady) {
        reject(new RealtimeError(AWAY));
        return;
      }
      const fail = (problem: Problem): void => {
        done();
        reject(new RealtimeError(problem));
      };
      const timer = this.answered ? setTimeout(() => fail(SLOW), TIMEOUT) : setTimeout(() => fail(UNSUPPORTED), UNKNOWN);
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(fail);
      };
      this.waiting.add(fail);
      this.link.emit("read_logs", query, (answer?: ReadLogsAck) => {
        this.answered = true;
        if (!answer?.ok) return fail(problemOf(answer?.error));
        done();
        resolve(this.page(answer, query));
      });
    });
  }

  /** Return true if an error is the answer to a read that a server does not know. */
  claims(problem: Problem): boolean {
    if (this.answered || !this.waiting.size || problem.code !== "bad_request" || problem.service) return false;
    for (const fail of [...this.waiting]) fail(UNSUPPORTED);
    return true;
  }

  down(): void {
    this.answered = false; // another server may answer next
    for (const fail of [...this.waiting]) fail(AWAY);
  }

  private page(answer: ReadLogsAck, query: ReadQuery): LogPage {
    const lines = (Array.isArray(answer.entries) ? answer.entries : []).filter((each) => typeof each?.line === "string");
    this.ids -= lines.length; // below those of lines that came live, and growing within the page
    const entries = lines.map((each, at) => entryOf(this.ids + at, each.service ?? query.service ?? "", each));
    return { entries, more: answer.more === true, before: answer.before ?? null };
  }
}
