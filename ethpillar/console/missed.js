/** What came and was not seen: lines while the log was paused, and on phones errors while it was not on the screen. */

import { ERROR, MARK } from "./model/store.js";

/** @typedef {import("./app.js").App} App */

/** Lines that are this much older than the pause were loaded from the past; microseconds. */
const LATE = 10_000_000;

export class Missed {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.lines = 0;
    this.errors = 0;
    /** When the log was paused, in milliseconds. */
    this.since = 0;
    /** Errors since the log was last on a phone's screen. */
    this.unseen = 0;
  }

  /** The log is paused, or followed again: nothing is missed so far. */
  begin() {
    this.since = this._app.now();
    this.lines = this.errors = 0;
    this._app.frames.now();
  }

  /** @param {number[]} added slots of the live log */
  added(added) {
    const { live: { store }, travel, log, filters, small, page } = this._app;
    const reading = travel.isLive && log.following;
    const late = this.since * 1000 - LATE;
    let errors = 0;
    for (const slot of added) {
      if (store.level[slot] === MARK || !filters.shows(store.services[store.service[slot]])) continue;
      const bad = store.level[slot] >= ERROR;
      if (bad) errors++;
      if (reading || store.time[slot] < late || store.level[slot] < filters.lowest) continue;
      this.lines++;
      if (bad) this.errors++;
    }
    if (!small || page !== "log") this.unseen += errors;
  }
}
