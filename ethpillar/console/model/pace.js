/**
 * How fast each service prints: whether one floods its log, or has been silent for far longer than it ever is.
 *
 * Belongs here: rates, silences, and what is usual. Pure, with the clock handed in.
 */

import { MINUTE, SECOND } from "./times.js";

const WINDOW = 5 * SECOND;
/** Lines a second from which on a log is flooded. */
export const FLOOD = 200;
/** What each line leaves of the longest silence before it. */
const FORGETS = 0.995;
/** Lines that must be known before anything is said of a silence. */
const KNOWN = 30;
/** What is usual is told from stretches of this length, in milliseconds: so many of them. */
const STRETCH = 10 * SECOND;
const STRETCHES = 60;
const FEWEST = 6;

/** @typedef {{ last: number, longest: number, lines: number, between: number, stretch: number, count: number, counts: number[] }} Known */

export class Pace {
  constructor() {
    /** Lines a second, over the last five seconds. */
    this.rate = 0;
    /** @type {{ at: number, service: string, count: number }[]} */
    this._came = [];
    /** @type {Map<string, Known>} */
    this._services = new Map();
  }

  /** Lines have come. @param {string} service @param {number} count @param {number} now */
  came(service, count, now) {
    this._came.push({ at: now, service, count });
  }

  /** A line was written. @param {string} service @param {number} at milliseconds */
  line(service, at) {
    const stretch = Math.floor(at / STRETCH);
    const known = this._services.get(service);
    if (!known) return void this._services.set(service, { last: at, longest: 0, lines: 1, between: 0, stretch, count: 1, counts: [] });
    const gap = Math.max(0, at - known.last);
    known.longest = Math.max(gap, known.longest * FORGETS);
    known.between += (gap - known.between) / Math.min(++known.lines, 50);
    known.last = Math.max(at, known.last);
    if (stretch > known.stretch) {
      if (known.count < FLOOD * (STRETCH / SECOND)) known.counts.push(known.count);
      if (known.counts.length > STRETCHES) known.counts.shift();
      known.stretch = stretch;
      known.count = 0;
    }
    if (stretch === known.stretch) known.count++;
  }

  /** @param {number} now */
  tick(now) {
    this._came = this._came.filter((each) => each.at > now - WINDOW);
    this.rate = this._came.reduce((sum, each) => sum + each.count, 0) / (WINDOW / SECOND);
  }

  /**
   * A service that has been silent for far longer than it ever is.
   *
   * @param {number} now @param {(service: string) => boolean} prints whether lines of it are to be expected
   * @returns {{ service: string, since: number, usual: number } | null} `usual`: seconds between its lines
   */
  silent(now, prints) {
    for (const [service, { last, longest, lines, between }] of this._services) {
      if (lines >= KNOWN && now - last > Math.max(5 * longest, MINUTE) && prints(service)) return { service, since: last, usual: between / SECOND };
    }
    return null;
  }

  /** The service that floods its log, with its lines a second, and how many are usual. @returns {{ service: string, rate: number, usual: [number, number] | null } | null} */
  get flood() {
    if (this.rate < FLOOD) return null;
    /** @type {Map<string, number>} */
    const by = new Map();
    for (const { service, count } of this._came) by.set(service, (by.get(service) ?? 0) + count / (WINDOW / SECOND));
    const [service, rate] = [...by].sort((a, b) => b[1] - a[1])[0];
    return rate >= FLOOD ? { service, rate, usual: this.usual(service) } : null;
  }

  /** Lines a second that a service usually prints, from and to; null when too little of it is known. @param {string} service @returns {[number, number] | null} */
  usual(service) {
    const counts = [...(this._services.get(service)?.counts ?? [])].sort((a, b) => a - b);
    if (counts.length < FEWEST) return null;
    const at = (/** @type {number} */ part) => counts[Math.floor((counts.length - 1) * part)] / (STRETCH / SECOND);
    return [Math.floor(at(0.1)), Math.ceil(at(0.9))];
  }
}
