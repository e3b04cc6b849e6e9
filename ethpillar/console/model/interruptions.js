/**
 * What interrupts a log: failures, restarts, reboots, lost connections, missing lines.
 *
 * Belongs here: a mark in the stream for each, and what is told of it below Today. The sentences of marks are
 * `marks.js`'s. It must not know the page.
 */

import * as marks from "./marks.js";
import { SECOND, exactSpan } from "./times.js";

/** @typedef {import("./live.js").Live} Live */
/** @typedef {import("./services.js").Service} Service */
/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */

/** Restarts of one service that are no further apart than this are told as one, in milliseconds. */
const RUN = 600_000;

export class Interruptions {
  /** @param {Live} live */
  constructor(live) {
    this._live = live;
    /** Since when there is no connection, and to what. */
    this._away = NaN;
    /** @type {marks.End} */
    this._end = "node";
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
  }

  /** @param {string} service @param {number} time microseconds @param {import("./store.js").Mark} mark */
  _mark(service, time, mark) {
    const slot = this._live.store.addMark(service, time, mark);
    this._live.onLines([slot], [], []);
    return slot;
  }

  // -- missing lines

  /** @param {Record<string, unknown>} payload of a `log_state` */
  gap(payload) {
    const { live, service } = { live: this._live, service: String(payload.service) };
    const mark = marks.gap(payload, live.clock);
    const at = Date.parse(String(payload.to ?? payload.from ?? "")) || live.now();
    live.work(Infinity);
    this._lost();
    this._mark(service, at * 1000 - 1, mark);
    const missing = payload.from && payload.to ? exactSpan(Date.parse(String(payload.to)) - Date.parse(String(payload.from))) : service;
    live.today.add({ key: `gap ${service} ${at}`, at, kind: "gap", service, text: `Lines missing: ${missing}` });
  }

  /** What was said when the connection came back is not true. */
  _lost() {
    this._missing = this._live.now();
    const mark = this._live.store.mark[this._back];
    if (mark?.kind !== "resumed" || !mark.more) return;
    mark.more = undefined;
    this._live.onLines([], [this._back], []);
  }

  // -- the connection

  /** Lines do not come any more. @param {import("../wire/connection.js").LinkState["page"]} page what the page's own connection is */
  wentAway(page) {
    const { _live: live } = this;
    const at = live.now();
    live.work(Infinity);
    if (page === "ended" || page === "refused") return void this._mark("", at * 1000, marks.ended(at, live.clock));
    this._away = at;
    this._end = page === "up" ? "node" : "server";
    this._mark("", at * 1000, marks.away(this._end, at, live.clock));
    return this._tellAway("");
  }

  cameBack() {
    const { _live: live } = this;
    if (Number.isNaN(this._away)) return;
    const gone = live.now() - this._away;
    this._tellAway(` for ${exactSpan(gone)}`);
    live.work(Infinity);
    this._back = this._mark("", this._away * 1000 + 1, marks.resumed(this._end, gone, this._missing >= this._away));
    this._away = NaN;
  }

  /** @param {string} long for how long, once it is over */
  _tellAway(long) {
    const who = this._end === "node" ? "Node" : "Server";
    this._live.today.add({ key: `away ${this._away}`, at: this._away, kind: "away", service: "", text: `${who} out of reach${long}` });
  }

  // -- units

  /** @param {Service} service @param {boolean} seen it was running before */
  failed(service, seen) {
    const { _live: live } = this;
    const at = Number.isNaN(service.since) ? live.now() : service.since;
    live.today.add({ key: `failed ${service.name} ${at}`, at, kind: "failed", service: service.name, text: `${service.name} failed` });
    live.work(Infinity);
    if (seen) this._markFailed(service, at);
    else this._unmarked.set(service.name, at);
    this.markFailures();
  }

  /** @param {Service} service @param {number} at */
  _markFailed(service, at) {
    const rest = at % SECOND ? 999 : SECOND * 1000 - 1; // systemd tells whole seconds
    this._mark(service.name, at * 1000 + rest, marks.failed(service.name, service.status));
  }

  /** Mark the failures whose time is among the lines that are held by now. */
  markFailures() {
    const { services, store } = this._live;
    for (const [name, at] of this._unmarked) {
      const service = services.get(name);
      if (service?.failed && !(at > store.from)) continue;
      this._unmarked.delete(name);
      if (service?.failed) this._markFailed(service, at);
    }
  }

  /** @param {Service} service */
  restarted(service) {
    const { today, now } = this._live;
    const recent = service.recent(now());
    const at = recent.at(-1) ?? service.restarts.at(-1);
    if (at === undefined) return;
    const times = recent.length > 1 ? ` ${recent.length} times` : "";
    const first = recent[0] ?? at;
    const happening = today.list.find((each) => each.kind === "restart" && each.service === service.name && at - each.at < RUN);
    const key = happening?.key ?? `restart ${service.name} ${first}`;
    today.add({ key, at, kind: "restart", service: service.name, text: `${service.name} restarted${times}` });
  }

  // -- in lines

  /** What systemd says of the unit. @param {string} service @param {number} slot @param {number[]} added takes the mark */
  ofManager(service, slot, added) {
    const { store, services } = this._live;
    const mark = marks.ofManager(service, { line: "", component: store.component[slot], message: store.message[slot] });
    if (!mark) return;
    added.push(store.addMark(service, store.time[slot] + 0.5, mark));
    const known = services.get(service);
    if (mark.kind !== "restart" || !known) return;
    known.restarted(store.time[slot] / 1000);
    this.restarted(known);
  }

  /** A line tells its boot. @param {string} service @param {LogEntry} entry @param {number[]} added takes the mark */
  booted(service, entry, added) {
    const { store, today } = this._live;
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
    today.add({ key: `reboot ${boot}`, at: store.time[slot] / 1000, kind: "reboot", service: "", text: "The node restarted" });
  }
}
