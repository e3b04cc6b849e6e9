/**
 * The lines that the page holds, and the marks between them, in order of time.
 *
 * Belongs here: columns, order, what belongs together (a line and its stack trace), what is dropped when it is too much.
 * It must not know what is shown of them.
 */

import { merge } from "./order.js";

/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */
/** @typedef {{ kind: "restart" | "failed" | "reboot" | "gap" | "resumed" | "away", text: string, more?: string }} Mark */

export const LEVELS = ["", "trace", "debug", "info", "warn", "error", "critical"];
export const WARN = 4;
export const ERROR = 5;
/** The level of what is no line: it is shown whatever the filter says. */
export const MARK = 255;

export const MOST_ENTRIES = 100_000;
export const MOST_BYTES = 64 * 1024 * 1024;
/** Dropped at once: enough for it to be seldom, and few enough for nobody to feel it. */
const DROPPED = 500;
const OVERHEAD = 160;

/** Microseconds of an ISO time, NaN for none. @param {string | null | undefined} iso */
export function micros(iso) {
  if (!iso) return NaN;
  const fraction = /\.(\d{1,6})/.exec(iso);
  const seconds = Date.parse(fraction ? iso.slice(0, 19) + "Z" : iso);
  return seconds * 1000 + (fraction ? Number(fraction[1].padEnd(6, "0")) : 0);
}

/** @param {number} us @returns {string} ISO 8601, UTC, microseconds */
export function iso(us) {
  const ms = Math.floor(us / 1000);
  return new Date(ms).toISOString().slice(0, 23) + String(Math.round(us - ms * 1000)).padStart(3, "0") + "Z";
}

export class Store {
  /** @param {{ entries?: number, bytes?: number }} [most] */
  constructor(most = {}) {
    this._mostEntries = most.entries ?? MOST_ENTRIES;
    this._mostBytes = most.bytes ?? MOST_BYTES;
    const room = Math.min(this._mostEntries * 2, 4096);
    /** Microseconds since the epoch, by slot. */
    this.time = new Float64Array(room);
    this.service = new Uint8Array(room);
    this.level = new Uint8Array(room);
    this._sequence = new Float64Array(room);
    /** @type {string[]} */
    this.line = [];
    /** @type {string[]} */
    this.message = [];
    /** @type {(Record<string, string> | null)[]} */
    this.fields = [];
    /** @type {(string | null)[]} */
    this.component = [];
    /** @type {(Record<string, number | string> | null)[]} */
    this.eth = [];
    /** @type {(string | null)[]} */
    this.cursor = [];
    /** Lines that belong to it. @type {(string[] | null)[]} */
    this.more = [];
    /** @type {(Mark | null)[]} */
    this.mark = [];
    /** Slots in order of time. @type {number[]} */
    this.order = [];
    /** @type {string[]} */
    this.services = [];
    this.bytes = 0;
    /** How many lines were dropped so far. */
    this.dropped = 0;
    /** @type {number[]} */
    this._free = [];
    this._next = 0;
    this._count = 0;
    this._before = 0;
    this._marks = 0;
    /** @type {Set<string>} */
    this._cursors = new Set();
    /** The line that a continuation belongs to, by service. @type {Map<number, number>} */
    this._heads = new Map();
    this.compare = (/** @type {number} */ a, /** @type {number} */ b) => this.time[a] - this.time[b] || this._sequence[a] - this._sequence[b];
  }

  get length() {
    return this.order.length;
  }

  /** @param {string} name @returns {number} */
  number(name) {
    const found = this.services.indexOf(name);
    if (found >= 0) return found;
    if (this.services.length >= 250) return 249;
    return this.services.push(name) - 1;
  }

  /** @param {string} cursor @returns {boolean} */
  has(cursor) {
    return this._cursors.has(cursor);
  }

  /**
   * Add lines of one service, in their order. One whose cursor is held already is passed over.
   *
   * @param {string} service @param {LogEntry[]} entries @param {boolean} [earlier] they come before what is there
   * @returns {{ added: number[], grown: number[] }} new slots in order of time, and those that got more lines
   */
  add(service, entries, earlier = false) {
    const number = this.number(service);
    /** @type {number[]} */
    const added = [];
    /** @type {number[]} */
    const grown = [];
    /** @type {number | undefined} */
    let head = earlier ? undefined : this._heads.get(number);
    let time = NaN;
    const sequence = earlier ? (this._before -= entries.length) : 0;
    const known = this._known(entries);
    entries.forEach((entry, i) => {
      if (known[i]) return;
      time = micros(entry.timestamp) || time || (head === undefined ? Date.now() * 1000 : this.time[head]);
      if (entry.continuation && head !== undefined && this.line[head] !== undefined) {
        this._extend(head, entry);
        grown.push(head);
        return;
      }
      head = this._put(number, time, earlier ? sequence + i : ++this._count, entry);
      added.push(head);
    });
    if (!earlier && head !== undefined) this._heads.set(number, head);
    added.sort(this.compare);
    merge(this.order, added, this.compare);
    return { added, grown };
  }

  /** Which of these are held already. Only the last line of a journal entry has its cursor. @param {LogEntry[]} entries */
  _known(entries) {
    let known = false;
    return entries.map((_, i) => {
      const { cursor } = entries[entries.length - 1 - i];
      if (cursor) known = this._cursors.has(cursor);
      return known;
    }).reverse();
  }

  /** @param {string} service @param {number} time microseconds @param {Mark} mark @returns {number} its slot */
  addMark(service, time, mark) {
    const slot = this._put(this.number(service), time, ++this._count, { line: mark.text });
    this.level[slot] = MARK;
    this.mark[slot] = mark;
    this._marks++;
    merge(this.order, [slot], this.compare);
    return slot;
  }

  /** Drop the oldest when there is too much. @returns {number[]} the slots that are free again, in order of time */
  trim() {
    if (this.order.length <= this._mostEntries && this.bytes <= this._mostBytes) return [];
    let count = Math.max(this.order.length - this._mostEntries, 0) + Math.min(DROPPED, this._mostEntries >> 3, (this.order.length >> 3) + 1);
    let bytes = this.bytes;
    for (let i = 0; i < this.order.length && (i < count || bytes > this._mostBytes); i++) {
      bytes -= this._size(this.order[i]);
      count = Math.max(count, i + 1);
    }
    const gone = this.order.splice(0, count);
    for (const slot of gone) this._forget(slot);
    this.dropped += gone.length;
    return gone;
  }

  /** How many lines are held, without the marks. */
  get lines() {
    return this.order.length - this._marks;
  }

  /** Milliseconds of the first line; NaN without one. */
  get from() {
    return this.order.length ? this.time[this.order[0]] / 1000 : NaN;
  }

  get to() {
    return this.order.length ? this.time[this.order[this.order.length - 1]] / 1000 : NaN;
  }

  /** What tells the line of a slot from others that had the slot before; NaN once the line is dropped. @param {number} slot */
  id(slot) {
    return this.line[slot] ? this._sequence[slot] : NaN;
  }

  /** @param {number} slot @returns {string} all its lines as the node printed them */
  text(slot) {
    const more = this.more[slot];
    return more ? [this.line[slot], ...more].join("\n") : this.line[slot];
  }

  /** @param {number} number @param {number} time @param {number} sequence @param {LogEntry} entry */
  _put(number, time, sequence, entry) {
    const slot = this._free.pop() ?? this._next++;
    if (slot >= this.time.length) this._grow();
    this.time[slot] = time;
    this._sequence[slot] = sequence;
    this.service[slot] = number;
    this.level[slot] = Math.max(0, LEVELS.indexOf(entry.level ?? ""));
    this.line[slot] = entry.line;
    this.message[slot] = entry.message ?? entry.line;
    this.fields[slot] = entry.fields && Object.keys(entry.fields).length ? entry.fields : null;
    this.component[slot] = entry.component ?? null;
    this.eth[slot] = entry.eth ?? null;
    this.cursor[slot] = entry.cursor ?? null;
    this.more[slot] = null;
    this.mark[slot] = null;
    if (entry.cursor) this._cursors.add(entry.cursor);
    this.bytes += this._size(slot);
    return slot;
  }

  /** @param {number} head @param {LogEntry} entry */
  _extend(head, entry) {
    (this.more[head] ??= []).push(entry.line);
    this.bytes += entry.line.length + 24;
    if (!entry.cursor) return;
    this._cursors.add(entry.cursor);
    this.cursor[head] = entry.cursor; // what comes after the line comes after all of it
  }

  /** @param {number} slot */
  _size(slot) {
    let size = OVERHEAD + this.line[slot].length + this.message[slot].length + (this.cursor[slot]?.length ?? 0);
    for (const line of this.more[slot] ?? []) size += line.length + 24;
    const fields = this.fields[slot];
    for (const key in fields) size += 24 + key.length + String(fields[key]).length;
    return size;
  }

  /** @param {number} slot */
  _forget(slot) {
    this.bytes -= this._size(slot);
    const cursor = this.cursor[slot];
    if (cursor) this._cursors.delete(cursor);
    if (this.mark[slot]) this._marks--;
    if (this._heads.get(this.service[slot]) === slot) this._heads.delete(this.service[slot]);
    for (const column of [this.line, this.message]) column[slot] = "";
    for (const column of [this.fields, this.component, this.eth, this.cursor, this.more, this.mark]) column[slot] = null;
    this._free.push(slot);
  }

  _grow() {
    const room = this.time.length * 2;
    const grown = (/** @type {any} */ old) => {
      const made = new old.constructor(room);
      made.set(old);
      return made;
    };
    this.time = grown(this.time);
    this._sequence = grown(this._sequence);
    this.service = grown(this.service);
    this.level = grown(this.level);
  }
}
