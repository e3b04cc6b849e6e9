/**
 * Which of the held lines are shown, and where the hits of a search are.
 *
 * Belongs here: services, level and search as a filter over a store, kept up to date by what is added and dropped. It
 * must not know how rows look.
 */

import { after, merge } from "./order.js";
import { matches } from "./search.js";
import { ERROR, MARK, WARN } from "./store.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./search.js").Search} Search */

/**
 * @typedef {object} Filter
 * @property {Set<string> | null} services null: all
 * @property {number} level the lowest, as an index of `LEVELS`; 0: all
 * @property {Search | null} search
 * @property {boolean} only show only lines that the search finds
 */

/** @type {Filter} */
export const EVERYTHING = { services: null, level: 0, search: null, only: false };
const SLICE = 2_000;

export class Shown {
  /** @param {Store} store @param {Filter} [filter] */
  constructor(store, filter = EVERYTHING) {
    this.store = store;
    this.filter = filter;
    /** Slots in order of time. @type {number[]} */
    this.list = [];
    /** Those that the search finds. @type {number[]} */
    this.hits = [];
    /** Lines one would see at: all levels, warnings, errors. */
    this.counts = [0, 0, 0];
    /** Which slots are in `counts`. */
    this._counted = new Uint8Array(0);
    /** A pattern's hits are told by a worker. @type {((slots: number[]) => void) | null} */
    this.ask = null;
    this._work = /** @type {Generator<void, void> | null} */ (null);
  }

  /** Begin to show something else; `step` does the work. @param {Filter} filter */
  set(filter) {
    this.filter = filter;
    this.list = [];
    this.hits = [];
    this.counts = [0, 0, 0];
    this._counted.fill(0);
    this._work = this._rebuild(this.store.order.slice());
  }

  get busy() {
    return this._work !== null;
  }

  /** Go on with the work for so many milliseconds. @param {number} budget @param {() => number} [now] @returns {boolean} true when it is done */
  step(budget, now = () => performance.now()) {
    const end = now() + budget;
    while (this._work) {
      if (this._work.next().done) this._work = null;
      else if (now() >= end) return false;
    }
    return true;
  }

  /** @param {number[]} slots */
  *_rebuild(slots) {
    for (let i = 0; i < slots.length; i += SLICE) {
      this._take(slots.slice(i, i + SLICE).filter((slot) => this.store.line[slot] !== undefined));
      yield;
    }
  }

  /** Slots were added to the store. @param {number[]} slots in order of time @returns {number} the first index of `list` that changed */
  added(slots) {
    this.step(Infinity);
    return this._take(slots);
  }

  /** @param {number[]} slots */
  _take(slots) {
    const { store, filter } = this;
    const numbers = filter.services && new Set([...filter.services].map((name) => store.number(name)));
    if (this._counted.length < store.level.length) this._grow(store.level.length);
    const visible = [];
    const found = [];
    const asked = [];
    for (const slot of slots) {
      if (store.level[slot] === MARK) {
        visible.push(slot);
        continue;
      }
      if (numbers && !numbers.has(store.service[slot])) continue;
      if (filter.search?.pattern) {
        asked.push(slot);
        if (filter.only) continue;
      } else if (filter.search) {
        const hit = matches(filter.search, store.text(slot));
        if (!hit && filter.only) continue;
        if (hit && store.level[slot] >= filter.level) found.push(slot);
      }
      this._count(slot, 1);
      if (store.level[slot] >= filter.level) visible.push(slot);
    }
    merge(this.hits, found, store.compare);
    if (asked.length) this.ask?.(asked);
    return merge(this.list, visible, store.compare);
  }

  /** A worker says that the pattern finds these. @param {number[]} slots in order of time @returns {number} as `added` */
  found(slots) {
    const { store, filter } = this;
    const level = slots.filter((slot) => store.level[slot] >= filter.level);
    merge(this.hits, level, store.compare);
    if (!filter.only) return this.list.length;
    for (const slot of slots) this._count(slot, 1);
    return merge(this.list, level, store.compare);
  }

  /** The store has dropped its first lines. @param {number[]} gone @returns {number} how many rows went */
  gone(gone) {
    if (!gone.length) return 0;
    this.step(Infinity);
    const set = new Set(gone);
    for (const slot of gone) if (this._counted[slot]) this._count(slot, -1);
    const [rows] = [this.list, this.hits].map((list) => {
      let count = 0;
      while (count < list.length && set.has(list[count])) count++;
      list.splice(0, count);
      return count;
    });
    return rows;
  }

  /** @param {number} slot @param {1 | -1} by */
  _count(slot, by) {
    const level = this.store.level[slot];
    this._counted[slot] = by > 0 ? 1 : 0;
    this.counts[0] += by;
    if (level >= WARN) this.counts[1] += by;
    if (level >= ERROR) this.counts[2] += by;
  }

  /** @param {number} room */
  _grow(room) {
    const counted = new Uint8Array(room);
    counted.set(this._counted);
    this._counted = counted;
  }

  /** The index of a slot in `list`, or where it would be. @param {number} slot */
  index(slot) {
    return after(this.list, (each) => this.store.compare(each, slot) < 0);
  }

  /** The first index at or after a time. @param {number} us */
  at(us) {
    return after(this.list, (slot) => this.store.time[slot] < us);
  }

  /**
   * The next line from an index on that fulfils something. -1 for none.
   *
   * @param {number} from @param {1 | -1} step @param {(slot: number) => boolean} wanted
   */
  find(from, step, wanted) {
    for (let i = from + step; i >= 0 && i < this.list.length; i += step) if (wanted(this.list[i])) return i;
    return -1;
  }
}
