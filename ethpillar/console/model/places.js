/**
 * Where each row of the log stands, and which rows are to be in the page.
 *
 * Belongs here: heights, estimated and then measured, and the row that keeps its place while others come and go. Lengths
 * are pixels. Pure: it must not know the page.
 */

import { Heights } from "./order.js";

/** @typedef {import("./shown.js").Shown} Shown */

/** Rows that are in the page at most, while nothing is chosen or focused. */
export const MOST_ROWS = 150;
/** Of rows beyond the edge while the log is followed: whoever scrolls up stops it, and gets whole screens. */
const FOLLOWED = 120;
/** So many rows more may be in the page while somebody reads. */
const READING = 60;

export class Places {
  /** @param {Shown} shown */
  constructor(shown) {
    this._shown = shown;
    this._heights = new Heights();
    /** The first visible row, and how much of it is above the edge. @type {{ slot: number, offset: number } | null} */
    this._anchor = null;
    /** How high the log is, and what is said above its first row. */
    this.height = 0;
    this.early = 0;
  }

  // -- rows come and go

  /** Every row is another one, or looks different. @param {(index: number) => number} height */
  reset(height) {
    this._heights.replace(0, this._shown.list.length, height);
  }

  /** The list has changed from an index on. @param {number} from @param {(index: number) => number} height @returns {boolean} whether it has */
  grown(from, height) {
    const { length } = this._shown.list;
    if (from >= length && length === this._heights.length) return false;
    const same = Math.min(from, this._heights.length);
    this._heights.replace(same, length - same, height);
    return true;
  }

  /** The first rows went. @param {number[]} slots that are no more @param {number} count of rows */
  gone(slots, count) {
    this._heights.drop(Math.min(count, this._heights.length)); // some may have come and gone at once
    if (!this._anchor || !slots.includes(this._anchor.slot)) return;
    const [first] = this._shown.list;
    this._anchor = first === undefined ? null : { slot: first, offset: Math.max(0, this._anchor.offset) };
  }

  /** How high rows have become. @param {Map<number, number>} heights by slot @returns {boolean} whether that moves something */
  measured(heights) {
    let differs = false;
    for (const [slot, height] of heights) {
      const index = this._shown.index(slot);
      if (this._shown.list[index] !== slot || Math.abs(this._heights.get(index) - height) < 0.01) continue;
      this._heights.set(index, height);
      differs = true;
    }
    return differs;
  }

  /** @param {number} index @param {number} height */
  set(index, height) {
    this._heights.set(index, height);
  }

  // -- the row that keeps its place

  get isKept() {
    return this._anchor !== null;
  }

  /** The first row that can be seen keeps its place. @param {number} scrolled */
  keep(scrolled) {
    const { list } = this._shown;
    if (!list.length) return void (this._anchor = null);
    const index = this.at(scrolled);
    this._anchor = { slot: list[index], offset: scrolled - this.top(index) };
  }

  /** A row is so far below the edge. @param {number} index @param {number} below */
  put(index, below) {
    const { list } = this._shown;
    const first = this.top(index) < below;
    this._anchor = first ? { slot: list[0], offset: -this.early } : { slot: list[index], offset: -below };
  }

  /** How far it is to be scrolled for the kept row to be in its place. @param {number} scrolled where it is now */
  scrolled(scrolled) {
    return this._anchor ? this.top(this._shown.index(this._anchor.slot)) + this._anchor.offset : scrolled;
  }

  // -- where rows are

  /** How far a row is from the top of all that can be scrolled to. @param {number} index */
  top(index) {
    return this._heights.before(index) + this.early;
  }

  /** The row at a distance from that top. @param {number} scrolled */
  at(scrolled) {
    return this._heights.at(Math.max(0, scrolled - this.early));
  }

  /** How far it can be scrolled. */
  get end() {
    return Math.max(0, this._heights.total + this.early - this.height);
  }

  /** The heights of all rows before one, and from one on. @param {number} from @param {number} to */
  around(from, to) {
    return [this._heights.before(from), Math.max(0, this._heights.total - this._heights.before(to))];
  }

  /**
   * Which rows are to be in the page: those that can be seen, and about a screen beyond.
   *
   * @param {number} scrolled @param {boolean} following
   * @returns {{ from: number, to: number, seen: [number, number] }} first rows, and those after the last
   */
  wanted(scrolled, following) {
    const { length } = this._shown.list;
    const { height } = this;
    const first = this.at(scrolled - (following ? FOLLOWED : height));
    let to = Math.min(length, this.at(scrolled + 2 * height) + 1);
    /** @type {[number, number]} */
    const seen = [this.at(scrolled), Math.min(length, this.at(scrolled + height) + 1)];
    if (to - first > MOST_ROWS) to = Math.min(length, Math.max(seen[1] + 8, first + MOST_ROWS));
    return { from: Math.max(first, to - MOST_ROWS - (following ? 0 : READING)), to, seen };
  }
}
