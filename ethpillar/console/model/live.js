/**
 * What comes from the server by itself: lines into the store, states into services, and what is to be told of them.
 *
 * Belongs here: the queue between the socket and the page, and what is known of the connection. What interrupts the log is
 * `interruptions.js`'s. It must not know the page.
 */

import { Interruptions } from "./interruptions.js";
import { Pace } from "./pace.js";
import { Service } from "./services.js";
import { networkOf } from "./slots.js";
import { ERROR, LEVELS, Store, micros } from "./store.js";
import { Today } from "./today.js";

/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */
/** @typedef {import("../wire/connection.js").LinkState} LinkState */
/** @typedef {import("../wire/connection.js").WireError} WireError */

/** Entries put into the store at once, between two looks at the clock. */
const SLICE = 100;
/** Updates are stale when none has come for three intervals. */
const STALE = 15_000;
const OLD = 30_000;

export class Live {
  /** @param {() => void} changed @param {() => number} now */
  constructor(changed, now = Date.now) {
    this._changed = changed;
    this.now = now;
    this.store = new Store();
    this.today = new Today();
    /** @type {Map<string, Service>} */
    this.services = new Map();
    /** @type {LinkState} */
    this.link = { page: "connecting", node: "unknown", since: now() };
    /** Problems with single logs, by service. @type {Map<string, WireError>} */
    this.problems = new Map();
    /** Services whose log has reached the present. @type {Set<string>} */
    this.begun = new Set();
    /** Whether an update of the states has come. */
    this.known = false;
    this.lastStatus = 0;
    /** When the last line came. */
    this.lastLine = NaN;
    this.lastError = NaN;
    this.pace = new Pace();
    /** @type {import("./slots.js").Network | null} */
    this.network = null;
    /** From when on each service's lines are held without a hole; milliseconds. @type {Map<string, number>} */
    this.from = new Map();
    /** @type {{ service: string, entries: LogEntry[], at: number }[]} */
    this._queue = [];
    this._interruptions = new Interruptions(this);
    this.clock = (/** @type {number} */ ms) => new Date(ms).toISOString().slice(11, 19);
    /** Called with what the store has got and lost. @type {(added: number[], grown: number[], gone: number[]) => void} */
    this.onLines = () => {};
    /** A service was seen for the first time. @type {(service: Service) => void} */
    this.onService = () => {};
  }

  // -- from the connection

  /** @param {LinkState} link */
  state(link) {
    const up = link.page === "up" && link.node === "connected";
    const was = this.link.page === "up" && this.link.node === "connected";
    this.link = link;
    if (was && !up) this._interruptions.wentAway(link.page);
    if (!was && up) this._interruptions.cameBack();
    if (link.page === "down" || link.page === "ended") this._unknown();
    this._changed();
  }

  /** @param {string} service @param {LogEntry[]} entries */
  entries(service, entries) {
    this.lastLine = this.now();
    this.problems.delete(service);
    this._queue.push({ service, entries, at: 0 });
    const fresh = this.begun.has(service) && !(micros(entries[0]?.timestamp) < (this.lastLine - OLD) * 1000); // a backlog is no flood
    if (fresh) this.pace.came(service, entries.length, this.lastLine);
    this._changed();
  }

  /** @param {Record<string, unknown>} payload */
  logState(payload) {
    if (payload.state === "live") this.begun.add(String(payload.service));
    else if (payload.state === "gap") this._interruptions.gap(payload);
    this._changed();
  }

  /** @param {Record<string, unknown>[]} update */
  status(update) {
    const now = this.now();
    this.known = true;
    this.lastStatus = now;
    for (const each of /** @type {import("./services.js").Status[]} */ (/** @type {unknown} */ (Array.isArray(update) ? update : []))) {
      if (typeof each?.service !== "string") continue;
      let service = this.services.get(each.service);
      if (!service) {
        if (each.status === "not_installed") continue;
        service = new Service(each.service, this.services.size);
        this.services.set(each.service, service);
        service.update(each, now);
        this.onService(service);
        if (service.failed) this._interruptions.failed(service, false);
        continue;
      }
      const before = { failed: service.failed, since: service.since, restarts: service.restarts.length };
      service.update(each, now);
      if (service.failed && (!before.failed || before.since !== service.since)) this._interruptions.failed(service, true);
      if (service.restarts.length > before.restarts) this._interruptions.restarted(service);
    }
    this._changed();
  }

  /** @param {WireError} error */
  error(error) {
    if (error.code === "bad_request") return; // whoever asked for it hears it
    const at = this.now();
    if (error.service) this.problems.set(error.service, error);
    this.today.add({ key: `problem ${error.code} ${error.service ?? ""} ${error.message}`, at, kind: "problem", service: error.service ?? "", text: error.message, hint: error.hint });
    this._changed();
  }

  // -- lines

  get waiting() {
    return this._queue.length > 0;
  }

  /** Put what has come into the store. @param {number} budget milliseconds @returns {boolean} true when there is more */
  work(budget) {
    const end = performance.now() + budget;
    /** @type {number[]} */
    const added = [];
    /** @type {number[]} */
    const grown = [];
    while (this._queue.length) {
      const first = this._queue[0];
      const some = first.entries.slice(first.at, first.at + SLICE);
      first.at += some.length;
      if (first.at >= first.entries.length) this._queue.shift();
      this._take(first.service, some, added, grown);
      if (performance.now() >= end) break;
    }
    if (added.length || grown.length) {
      added.sort(this.store.compare);
      this.onLines(added, grown, this.store.trim());
      if (!this._queue.length) this._interruptions.markFailures();
    }
    return this._queue.length > 0;
  }

  /** @param {string} service @param {LogEntry[]} entries @param {number[]} added @param {number[]} grown */
  _take(service, entries, added, grown) {
    const { store } = this;
    const put = store.add(service, entries);
    for (const slot of put.added) added.push(slot);
    for (const slot of put.grown) grown.push(slot);
    if (put.added.length && !this.from.has(service)) this.from.set(service, store.time[put.added[0]] / 1000);
    for (const slot of put.added) this._look(service, slot, added);
    for (const entry of entries) if (entry.boot) this._interruptions.booted(service, entry, added);
  }

  /** @param {string} service @param {number} slot @param {number[]} added */
  _look(service, slot, added) {
    const { store } = this;
    const at = store.time[slot] / 1000;
    if (store.level[slot] >= ERROR) {
      this.today.error(service, at, LEVELS[store.level[slot]] === "critical", store.message[slot].slice(0, 200));
      if (!(at <= this.lastError)) this.lastError = at;
    }
    if (store.component[slot] !== null) this._interruptions.ofManager(service, slot, added);
    this.pace.line(service, at);
    const named = store.eth[slot]?.slot;
    if (named !== undefined && !this.network) this.network = networkOf(Number(named), at);
  }

  // -- what is not true any more

  _unknown() {
    for (const service of this.services.values()) if (service.status.status !== "unknown") service.update({ ...service.status, status: "unknown" }, this.now());
  }

  /** Once a second: what was true may be old. */
  tick() {
    const now = this.now();
    this.pace.tick(now);
    if (this.known && now - this.lastStatus > STALE) this._unknown();
    this._changed();
  }

  /** A running service that has been silent for far longer than it ever is. */
  get silent() {
    if (this.waiting) return null; // its last lines are on their way
    return this.pace.silent(this.now(), (service) => this.begun.has(service) && !this.problems.has(service) && this.services.get(service)?.status.status === "active");
  }
}
