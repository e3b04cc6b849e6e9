/**
 * What comes from the server by itself: lines into the store, states into services, and what is to be told of them.
 *
 * Belongs here: the queue between the socket and the page, marks, and what happened today. It must not know the page.
 */

import * as marks from "./marks.js";
import { Pace } from "./pace.js";
import { Service } from "./services.js";
import { networkOf } from "./slots.js";
import { SECOND, exactSpan } from "./times.js";
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
    /** @type {number} */
    this._away = NaN;
    /** When it was last heard that lines are missing. */
    this._missing = NaN;
    /** The mark of the last time that the connection came back. */
    this._back = -1;
    /** Failures from before the page was opened, whose mark waits for the lines around it. @type {Map<string, number>} */
    this._unmarked = new Map();
    /** In which boot each service's last line was written. @type {Map<string, string>} */
    this._boots = new Map();
    /** Boots that have a mark. @type {Set<string>} */
    this._rebooted = new Set();
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
    if (was && !up) this._wentAway();
    if (!was && up) this._cameBack();
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
    const service = String(payload.service);
    if (payload.state === "live") this.begun.add(service);
    if (payload.state !== "gap") return this._changed();
    const mark = marks.gap(payload, this.clock);
    const at = Date.parse(String(payload.to ?? payload.from ?? "")) || this.now();
    this.work(Infinity);
    this._lost();
    this._mark(service, at * 1000 - 1, mark);
    const missing = payload.from && payload.to ? exactSpan(Date.parse(String(payload.to)) - Date.parse(String(payload.from))) : service;
    this.today.add({ key: `gap ${service} ${at}`, at, kind: "gap", service, text: `Lines missing: ${missing}` });
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
        if (service.failed) this._failed(service, false);
        continue;
      }
      const before = { failed: service.failed, since: service.since, restarts: service.restarts.length };
      service.update(each, now);
      if (service.failed && (!before.failed || before.since !== service.since)) this._failed(service, true);
      if (service.restarts.length > before.restarts) this._restarted(service);
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
      if (!this._queue.length) this._markFailures();
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
    for (const entry of entries) if (entry.boot) this._booted(service, entry, added);
  }

  /** @param {string} service @param {number} slot @param {number[]} added */
  _look(service, slot, added) {
    const { store } = this;
    const at = store.time[slot] / 1000;
    if (store.level[slot] >= ERROR) {
      this.today.error(service, at, LEVELS[store.level[slot]] === "critical", store.message[slot].slice(0, 200));
      if (!(at <= this.lastError)) this.lastError = at;
    }
    if (store.component[slot] !== null) {
      const mark = marks.ofManager(service, { line: "", component: store.component[slot], message: store.message[slot] });
      if (mark) added.push(store.addMark(service, store.time[slot] + 0.5, mark));
      if (mark?.kind === "restart") {
        this.services.get(service)?.restarted(at);
        const known = this.services.get(service);
        if (known) this._restarted(known);
      }
    }
    this.pace.line(service, at);
    const named = store.eth[slot]?.slot;
    if (named !== undefined && !this.network) this.network = networkOf(Number(named), at);
  }

  /** @param {string} service @param {LogEntry} entry @param {number[]} added */
  _booted(service, entry, added) {
    const { store } = this;
    const boot = String(entry.boot);
    const before = this._boots.get(service);
    this._boots.set(service, boot);
    if (!before || before === boot || this._rebooted.has(boot)) return;
    const slot = added.find((each) => store.cursor[each] === entry.cursor);
    if (slot === undefined) return;
    this._rebooted.add(boot);
    const place = store.order.indexOf(slot);
    const down = place > 0 ? (store.time[slot] - store.time[store.order[place - 1]]) / 1000 : NaN;
    added.push(store.addMark(service, store.time[slot] - 0.5, marks.reboot(down)));
    this.today.add({ key: `reboot ${boot}`, at: store.time[slot] / 1000, kind: "reboot", service: "", text: "The node restarted" });
  }

  // -- what is to be told

  /** @param {string} service @param {number} time microseconds @param {import("./store.js").Mark} mark */
  _mark(service, time, mark) {
    const slot = this.store.addMark(service, time, mark);
    this.onLines([slot], [], []);
    return slot;
  }

  /** @param {Service} service @param {boolean} seen it was running before */
  _failed(service, seen) {
    const at = Number.isNaN(service.since) ? this.now() : service.since;
    this.today.add({ key: `failed ${service.name} ${at}`, at, kind: "failed", service: service.name, text: `${service.name} failed` });
    this.work(Infinity);
    if (seen) this._markFailed(service, at);
    else this._unmarked.set(service.name, at);
    this._markFailures();
  }

  /** @param {Service} service @param {number} at */
  _markFailed(service, at) {
    const rest = at % SECOND ? 999 : SECOND * 1000 - 1; // systemd tells whole seconds
    this._mark(service.name, at * 1000 + rest, marks.failed(service.name, service.status));
  }

  /** Mark the failures whose time is among the lines that are held by now. */
  _markFailures() {
    for (const [name, at] of this._unmarked) {
      const service = this.services.get(name);
      if (service?.failed && !(at > this.store.from)) continue;
      this._unmarked.delete(name);
      if (service?.failed) this._markFailed(service, at);
    }
  }

  /** @param {Service} service */
  _restarted(service) {
    const recent = service.recent(this.now());
    const at = recent.at(-1) ?? service.restarts.at(-1);
    if (at === undefined) return;
    const times = recent.length > 1 ? ` ${recent.length} times` : "";
    const first = recent[0] ?? at;
    const happening = this.today.list.find((each) => each.kind === "restart" && each.service === service.name && at - each.at < 600_000);
    const key = happening?.key ?? `restart ${service.name} ${first}`;
    this.today.add({ key, at, kind: "restart", service: service.name, text: `${service.name} restarted${times}` });
  }

  _wentAway() {
    this._away = this.now();
    this.work(Infinity);
    this._mark("", this._away * 1000, marks.away(this._away, this.clock));
    this.today.add({ key: `away ${this._away}`, at: this._away, kind: "away", service: "", text: "Node out of reach" });
  }

  _cameBack() {
    if (Number.isNaN(this._away)) return;
    const gone = this.now() - this._away;
    const seconds = Math.round(gone / 1000);
    this.today.add({ key: `away ${this._away}`, at: this._away, kind: "away", service: "", text: `Node out of reach for ${seconds} s` });
    this.work(Infinity);
    this._back = this._mark("", this._away * 1000 + 1, marks.resumed(gone, this._missing >= this._away));
    this._away = NaN;
  }

  /** Lines are missing: what was said when the connection came back is not true. */
  _lost() {
    this._missing = this.now();
    const mark = this.store.mark[this._back];
    if (mark?.kind !== "resumed" || !mark.more) return;
    mark.more = undefined;
    this.onLines([], [this._back], []);
  }

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
