/** Going to a slot: which one is looked at, its lines from what is held and from the node, and back. */

import { put } from "./model/pages.js";
import { NETWORKS, slotAt } from "./model/slots.js";
import { Store } from "./model/store.js";
import { held, startOf } from "./view/slot.js";

/** @typedef {import("./app.js").App} App */

const SLOT_SECONDS = 12;

export class Slots {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** The slot that is looked at. @type {number | null} */
    this.number = null;
    /** @type {import("./view/slot.js").SlotLines | null} */
    this.lines = null;
  }

  /** The slot that a line speaks of; null when it speaks of none. @param {Store} store @param {number} slot @returns {number | null} */
  of(store, slot) {
    const eth = store.eth[slot];
    if (!eth) return null;
    const network = this._app.live.network;
    if (eth.slot !== undefined) return Number(eth.slot);
    if (eth.epoch !== undefined) return Number(eth.epoch) * (network?.slots ?? NETWORKS[0].slots);
    return network && eth.block !== undefined ? slotAt(network, store.time[slot] / 1000) : null;
  }

  ofCurrent() {
    const { shown, log } = this._app;
    const found = this.of(shown.store, log.current);
    if (found !== null) this.open(found);
  }

  /** @param {number} number @param {boolean} [push] */
  open(number, push = true) {
    if (!Number.isSafeInteger(number) || number < 0) return;
    const { live, log } = this._app;
    if (this._app.small) this._app.setPage("log");
    if (push) this._app.links.push({ slot: number });
    const start = startOf(this._app, number);
    const seconds = live.network?.seconds ?? SLOT_SECONDS;
    const source = this._app.shown.store;
    const slots = held(source, number, start, seconds);
    this.number = number;
    const first = slots.length ? source.time[slots[0]] / 1000 : 0;
    this.lines = { number, start: start || first, seconds, store: source, slots, loading: this._app.travel.available, problem: this._app.travel.available ? "" : "This server can’t read history: these are the lines that this page holds." };
    log.stop("scroll");
    this._draw();
    if (this._app.travel.available) void this._read(number, start, seconds);
  }

  /** @param {number} number @param {number} start @param {number} seconds */
  async _read(number, start, seconds) {
    const { live, zone } = this._app;
    const where = start ? { since: start - 1_000, until: start + seconds * 1_000 } : { eth: { slot: number } };
    try {
      const page = await this._app.questions.ask({ services: [...live.services.keys()], limit: 1_000, ...where, id: "slot" });
      if (this.number !== number) return;
      const store = new Store();
      put(store, page, false, (ms) => zone.clock(ms));
      const first = store.length ? store.from : 0;
      this.lines = { number, start: start || first, seconds, store, slots: store.order, loading: false, problem: "" };
      this._draw();
      const now = this._app.now();
      if (start && now < start + seconds * 1_000) setTimeout(() => this.number === number && void this._read(number, start, seconds), 1_000);
    } catch (problem) {
      this._app.travel.failed(/** @type {any} */ (problem), false);
      if (this.lines && this.number === number) this.lines = { ...this.lines, loading: false };
      this._draw();
    }
  }

  _draw() {
    this._app.slotView.draw(this.lines);
    this._app.stage.draw();
    this._app.frames.now();
  }

  /** @param {boolean} [push] */
  close(push = true) {
    if (this.number === null) return;
    this.number = null;
    this.lines = null;
    this._app.slotView.draw(null);
    this._app.stage.draw();
    if (push) this._app.links.push({});
    this._app.log.root.focus();
    this._app.log.changed();
  }
}
