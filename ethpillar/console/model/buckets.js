/**
 * Lines, warnings and errors over time, in buckets.
 *
 * Belongs here: sums that are kept up to date by what is added. Times are milliseconds. Pure.
 */

import { ERROR, MARK, WARN } from "./store.js";

/** @typedef {import("./store.js").Store} Store */

export const BUCKETS = 120;

/** @typedef {{ lines: number, warn: number, error: number }} Bucket */

export class Buckets {
  /** @param {number} from @param {number} to */
  constructor(from, to) {
    this.from = from;
    this.width = (to - from) / BUCKETS;
    /** @type {Bucket[]} */
    this.list = Array.from({ length: BUCKETS }, () => ({ lines: 0, warn: 0, error: 0 }));
    /** From when on it is known, and until when. */
    this.known = { from: Infinity, to: -Infinity };
  }

  get to() {
    return this.from + this.width * BUCKETS;
  }

  /** @param {number} ms @returns {number} its bucket, or one outside */
  index(ms) {
    return Math.floor((ms - this.from) / this.width);
  }

  /** @param {number} index */
  start(index) {
    return this.from + index * this.width;
  }

  /** Count lines. @param {Store} store @param {number[]} slots @param {(service: string) => boolean} counted @param {number} [after] those at or before it are counted already; ms */
  add(store, slots, counted, after = -Infinity) {
    const wanted = store.services.map(counted);
    for (const slot of slots) {
      const level = store.level[slot];
      if (level === MARK || !wanted[store.service[slot]]) continue;
      const ms = store.time[slot] / 1000;
      if (ms <= after) continue;
      const bucket = this.list[this.index(ms)];
      if (!bucket) continue;
      bucket.lines++;
      if (level >= ERROR) bucket.error++;
      else if (level >= WARN) bucket.warn++;
    }
  }

  /** Take what the server has counted. @param {[number, number, number, number][]} counts */
  take(counts) {
    for (const [from, lines, warn, error] of counts) {
      const bucket = this.list[this.index(from + this.width / 100)];
      if (!bucket) continue;
      bucket.lines += lines;
      bucket.warn += warn;
      bucket.error += error;
    }
  }

  /** Move on to a later end; what falls out at the front is forgotten. @param {number} to */
  advance(to) {
    while (this.to < to) {
      this.list.shift();
      this.list.push({ lines: 0, warn: 0, error: 0 });
      this.from += this.width;
    }
  }
}
