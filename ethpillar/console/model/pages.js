/**
 * Pages of the past, as `read_logs` answers them.
 *
 * Belongs here: asking for pages, putting them into a store, and what was looked at. It must not know the page on the
 * screen.
 */

import * as marks from "./marks.js";
import { Shown } from "./shown.js";
import { MARK, Store } from "./store.js";

/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */

/**
 * @typedef {object} Page an ack of `read_logs`
 * @property {LogEntry[]} [entries] oldest first, each with its service
 * @property {string} [before] where to go on backwards
 * @property {string} [after] and forwards
 * @property {{ entries: number, from?: string | number | null, until?: string | number | null }} [scanned]
 * @property {{ after?: string, reason?: string, from?: string, to?: string }[]} [gaps]
 * @property {[number, number, number, number][]} [counts]
 * @property {boolean} [more]
 */

/** @typedef {(payload: Record<string, unknown>) => Promise<Page>} Ask */

export const PAGE = 200;

/** Milliseconds of a time of the wire. @param {string | number | null | undefined} value */
export const moment = (value) => (typeof value === "number" ? value : value ? Date.parse(value) : NaN);

/**
 * Put a page into a store.
 *
 * @param {Store} store @param {Page} page @param {boolean} earlier it comes before what is there
 * @param {(ms: number) => string} clock
 * @returns {{ added: number[], grown: number[] }}
 */
export function put(store, page, earlier, clock) {
  /** @type {Map<string, LogEntry[]>} */
  const by = new Map();
  for (const entry of page.entries ?? []) {
    const service = String(entry.service ?? "");
    const list = by.get(service);
    if (list) list.push(entry);
    else by.set(service, [entry]);
  }
  /** @type {number[]} */
  const added = [];
  /** @type {number[]} */
  const grown = [];
  for (const [service, entries] of by) {
    const found = store.add(service, entries, earlier);
    for (const slot of found.added) added.push(slot);
    for (const slot of found.grown) grown.push(slot);
    for (const slot of found.added) {
      const mark = marks.ofManager(service, { line: "", component: store.component[slot], message: store.message[slot] });
      if (mark) added.push(store.addMark(service, store.time[slot] + 0.5, mark));
    }
  }
  for (const { from, to, reason } of page.gaps ?? []) {
    const at = moment(to) || moment(from);
    if (!Number.isNaN(at)) added.push(store.addMark("", at * 1000 - 1, marks.gap({ reason, from, to }, clock)));
  }
  added.push(...reboots(store, page.entries ?? []));
  return { added: added.sort(store.compare), grown };
}

/** Marks where one boot follows another within a page. @param {Store} store @param {LogEntry[]} entries */
function reboots(store, entries) {
  const made = [];
  let boot = "";
  let last = NaN;
  for (const entry of entries) {
    const at = Date.parse(entry.timestamp ?? "");
    if (entry.boot && boot && entry.boot !== boot) made.push(store.addMark("", at * 1000 - 1, marks.reboot(at - last)));
    if (entry.boot) boot = entry.boot;
    last = at;
  }
  return made;
}

/** What is looked at in the past: pages around a place, which grow in both directions. */
export class Past {
  /**
   * @param {Ask} ask @param {Record<string, unknown>} what services, level, match, since, until
   * @param {(ms: number) => string} clock @param {import("./shown.js").Filter} filter
   */
  constructor(ask, what, clock, filter) {
    this._ask = ask;
    this._what = what;
    this._clock = clock;
    this.store = new Store();
    this.shown = new Shown(this.store, filter);
    /** @type {string | undefined} */
    this.before = undefined;
    /** @type {string | undefined} */
    this.after = undefined;
    /** There is nothing earlier, or later. */
    this.start = false;
    this.end = false;
    this.busy = false;
    /** @type {{ entries: number, from: number, until: number }} */
    this.scanned = { entries: 0, from: NaN, until: NaN };
    /** @type {{ code: string, message: string } | null} */
    this.problem = null;
    /** Called with what a page has brought. @type {(added: number[], grown: number[]) => void} */
    this.onLines = () => {};
  }

  get searches() {
    return this._what.match !== undefined || this._what.level !== undefined;
  }

  /** The slot of the line that has a cursor. @param {string} cursor @returns {number | undefined} */
  slotOf(cursor) {
    return this.store.order.find((slot) => this.store.cursor[slot] === cursor);
  }

  /** How far back was looked; milliseconds, NaN for not at all. */
  get lookedFrom() {
    return this.scanned.from || this.store.from;
  }

  /** The newest page of what is wanted. */
  async load() {
    const page = await this._read({}, true);
    if (page) this.end = true;
  }

  /** Pages on both sides of a cursor or a moment. @param {{ cursor?: string, ms?: number }} place */
  async around({ cursor, ms }) {
    if (cursor) return void (await this._read({ around: cursor }, true));
    const before = await this._read({ until: ms }, true);
    const last = before?.entries?.findLast((entry) => entry.cursor)?.cursor;
    this.after = before?.after ?? last ?? undefined;
    if (this.after) await this.later();
    else if (before) await this._read({ since: ms }, false);
  }

  async earlier() {
    if (this.start || this.busy || !this.before) return;
    await this._read({ before: this.before }, true);
  }

  async later() {
    if (this.end || this.busy || !this.after) return;
    await this._read({ after: this.after }, false);
  }

  /** @param {Record<string, unknown>} place @param {boolean} earlier @returns {Promise<Page | null>} */
  async _read(place, earlier) {
    this.busy = true;
    this.problem = null;
    try {
      const page = await this._ask({ ...this._what, limit: PAGE, ...place });
      this._take(page, place, earlier);
      return page;
    } catch (problem) {
      this.problem = /** @type {{ code: string, message: string }} */ (problem);
      return null;
    } finally {
      this.busy = false;
    }
  }

  /** @param {Page} page @param {Record<string, unknown>} place @param {boolean} earlier */
  _take(page, place, earlier) {
    const both = "around" in place;
    const first = this.store.length === 0;
    if (earlier || both) {
      this.before = page.before;
      this.start = !page.before || (!both && !page.more);
    }
    if (!earlier || both) {
      this.after = page.after;
      this.end = !page.after || (!both && !page.more);
    } else if (first && page.after && !this.after) this.after = page.after;
    const { scanned } = page;
    if (scanned) {
      this.scanned.entries += scanned.entries ?? 0;
      this.scanned.from = Math.min(moment(scanned.from), this.scanned.from || Infinity) || this.scanned.from;
      this.scanned.until = Math.max(moment(scanned.until), this.scanned.until || -Infinity) || this.scanned.until;
    }
    const { added, grown } = put(this.store, page, earlier && !first, this._clock);
    this.onLines(added, grown);
  }

  /** @returns {string} "Looked at 186,400 lines, 18:41 to 03:12" */
  looked() {
    const { entries, from, until } = this.scanned;
    const lines = entries || this.store.order.filter((slot) => this.store.level[slot] !== MARK).length;
    if (!lines) return "";
    const start = from || this.store.from;
    const end = until || this.store.to;
    const range = Number.isNaN(start) || Number.isNaN(end) ? "" : `, ${this._clock(start)} to ${this._clock(end)}`;
    return `Looked at ${lines.toLocaleString("en")} lines${range}`;
  }
}
