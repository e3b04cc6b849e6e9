/** What the histogram shows: buckets of the last hour or of a chosen time, flags, and what is not known. */

import { BUCKETS, Buckets } from "./model/buckets.js";
import { HOUR } from "./model/times.js";

/** @typedef {import("./app.js").App} App */

const KINDS = new Set(["restart", "failed", "reboot", "gap", "away"]);

export class Chart {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** A time that was chosen, in milliseconds. @type {[number, number] | null} */
    this.brush = null;
    /** What the chart is about, when it is not the last hour. @type {[number, number] | null} */
    this._range = null;
    /** Until when the server has counted; what comes later is counted here. */
    this._counted = -Infinity;
    /** From when on the buckets are complete. */
    this._from = Infinity;
    this.buckets = this._fresh();
    this._asked = 0;
  }

  _fresh() {
    if (this._range) return new Buckets(...this._range);
    const now = this._app.now();
    const width = HOUR / BUCKETS;
    const end = Math.ceil(now / width) * width;
    return new Buckets(end - HOUR, end);
  }

  /** Lines were added to the live store. @param {number[]} slots */
  added(slots) {
    if (this._range) return;
    this.buckets.add(this._app.live.store, slots, (name) => this._app.filters.shows(name), this._counted);
  }

  /** The filter or the range is another one: count anew. */
  again() {
    const { live, filters } = this._app;
    this.buckets = this._fresh();
    this._counted = -Infinity;
    this._from = Infinity;
    this.buckets.add(live.store, live.store.order, (name) => filters.shows(name));
    void this._ask();
    this._app.frames.want();
  }

  /** The server counts what is not held. */
  async _ask() {
    const { filters, travel } = this._app;
    const asked = ++this._asked;
    const services = filters.services;
    if (!travel.available || !services.length) return;
    const { from, to } = this.buckets;
    const until = Math.min(to, this._app.now());
    try {
      const page = await this._app.questions.ask({ services, since: from, until, counts: BUCKETS, id: "counts" });
      if (asked !== this._asked || !page.counts) return;
      const fresh = this._range ? new Buckets(from, to) : this._fresh();
      fresh.take(page.counts);
      this._counted = until;
      const { live } = this._app;
      if (!this._range) fresh.add(live.store, live.store.order, (name) => filters.shows(name), until);
      this.buckets = fresh;
      const looked = page.scanned?.from;
      this._from = page.more && looked ? (typeof looked === "number" ? looked : Date.parse(looked)) : from;
      this._app.frames.now();
    } catch (problem) {
      travel.failed(/** @type {any} */ (problem), false);
    }
  }

  /** Once a second: the last hour moves on, one bucket at a time. */
  tick() {
    if (this._range || this._app.histogram?.pressed) return;
    const now = this._app.now();
    if (now >= this.buckets.to) this.buckets.advance(now + 1);
  }

  /** Show another time. Null: the last hour. @param {[number, number] | null} range @param {[number, number] | null} brush */
  show(range, brush) {
    this._range = range;
    this.brush = brush;
    this.again();
  }

  get range() {
    return this._range;
  }

  /** Times that nobody has counted. @returns {[number, number][]} */
  get holes() {
    const { live, travel } = this._app;
    /** @type {[number, number][]} */
    const holes = [];
    const known = travel.available && this._counted > -Infinity ? this._from : Math.max(...[...live.from.values()], -Infinity);
    const from = Number.isFinite(known) ? known : this.buckets.to;
    if (from > this.buckets.from) holes.push([this.buckets.from, Math.min(from, this.buckets.to)]);
    const { link } = live;
    if (!this._range && (link.page !== "up" || link.node !== "connected") && live.known) holes.push([link.since, this.buckets.to]);
    return holes;
  }

  /** @returns {{ at: number, bad: boolean }[]} */
  get flags() {
    const { from, to } = this.buckets;
    const { today } = this._app.live;
    return today.list.filter((each) => KINDS.has(each.kind) && each.at >= from && each.at < to).map((each) => ({ at: each.at, bad: each.kind === "failed" }));
  }

  get errorsInHour() {
    return this._range ? 0 : this.buckets.list.reduce((sum, each) => sum + each.error, 0);
  }
}
