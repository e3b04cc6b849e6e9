/** Lines before those that are held: put in front of them, and when the page holds as many as it may, looked at by themselves. */

import { moment, put } from "./model/pages.js";

/** @typedef {import("./app.js").App} App */

/** Lines that are asked for at once. */
const PAGE = 500;

export class Earlier {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.busy = false;
    /** There is nothing before. */
    this.start = false;
    /** Where to go on backwards. @type {string | undefined} */
    this._before = undefined;
    /** The first line that was held, from which the past was gone on with. */
    this._leftAt = "";
  }

  /** @param {number} first the first row that can be seen @param {number} ahead rows from the edge at which more is fetched */
  look(first, ahead) {
    if (this._app.live.store.dropped) this._leave(first, ahead);
    else if (first < ahead) void this._read();
  }

  /**
   * Go on in the past when the first line that is held comes into view.
   *
   * @param {number} first @param {number} ahead
   */
  _leave(first, ahead) {
    const { store, list } = this._app.shown;
    const slot = list.slice(0, ahead).find((each) => store.cursor[each]);
    if (first > 0 || slot === undefined || this._leftAt === store.cursor[slot]) return;
    this._leftAt = /** @type {string} */ (store.cursor[slot]);
    this._app.travel.showBefore(this._leftAt, store.time[slot] / 1000);
  }

  async _read() {
    const { live, filters, zone, log, travel, questions, frames } = this._app;
    if (this.busy || this.start) return;
    this.busy = true;
    const services = [...live.services.keys()];
    const until = Math.max(...services.map((name) => live.from.get(name) ?? -Infinity));
    try {
      const where = this._before ? { before: this._before } : { until: Number.isFinite(until) ? until : this._app.now() };
      const page = await questions.ask({ services, limit: PAGE, ...where, id: "earlier" });
      this._before = page.before;
      this.start = !page.before || !page.more;
      const { added, grown } = put(live.store, page, true, (ms) => zone.clock(ms));
      const oldest = moment(page.entries?.[0]?.timestamp);
      if (!Number.isNaN(oldest)) for (const name of services) live.from.set(name, Math.min(live.from.get(name) ?? Infinity, oldest));
      const from = filters.live.added(added);
      if (travel.isLive) {
        log.grown(from);
        for (const slot of grown) log.refresh(slot);
      }
    } catch (problem) {
      travel.failed(/** @type {any} */ (problem), false);
    } finally {
      this.busy = false;
      frames.now();
    }
  }
}
