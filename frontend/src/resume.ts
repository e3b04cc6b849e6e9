/**
 * What of a log that begins again is new.
 *
 * Belongs here: decisions about lines, with no clock and no socket. Our server resumes after a cursor; what is left
 * to do is to leave out the first lines of a journal entry of several lines, of which the last was not here yet, and
 * what a server repeats that ignores cursors. Bare lines have no cursors: there the lines themselves have to tell.
 */

import type { LogLine } from "./protocol.js";

/** Lines compared at most, on each side. */
const COMPARED = 1000;

/** Leaves out what is here already, of lines with cursors. */
export class Repeats {
  /**
   * @param unfinished lines after the last cursor: they come again
   * @param known cursors that are here
   */
  constructor(
    private unfinished: string[],
    private known: Set<string>,
  ) {}

  /** Return true if the line is here already. Once one is not, none is asked about any more. */
  has(line: LogLine): boolean {
    if (line.cursor) return this.known.has(line.cursor);
    if (this.unfinished[0] !== line.line) return false;
    this.unfinished.shift();
    return true;
  }
}

/**
 * How many lines at the beginning of `again` are the end of `before`: what a server without cursors sent once more.
 * Null when the two do not meet, so that lines may be missing between them.
 *
 * The longest overlap counts. It has to reach the end of `before`, unless `again` was cut short.
 */
export function overlap(before: readonly string[], again: readonly string[], cut: boolean): number | null {
  const old = before.slice(-COMPARED);
  const fresh = again.slice(0, COMPARED);
  for (let start = 1 - fresh.length; start < old.length; start += 1) {
    if (!cut && start + fresh.length < old.length) continue;
    const from = Math.max(start, 0);
    const to = Math.min(start + fresh.length, old.length);
    let at = from;
    while (at < to && old[at] === fresh[at - start]) at += 1;
    if (at === to && to > from) return to - start;
  }
  return null;
}
