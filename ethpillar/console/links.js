/** Links: what an address wants to see, and the address of what is seen. */

import * as place from "./model/place.js";

/** @typedef {import("./app.js").App} App */

/** The token of the address, which it leaves at once, and the rest of its fragment. */
export function arrive() {
  const found = place.takeToken(location.hash);
  if (found.token) history.replaceState(null, "", location.pathname + location.search + found.rest);
  return found;
}

export class Links {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** What a link wants, once the services are known. @type {place.Place | null} */
    this._pending = null;
    this._connected = false;
  }

  /** The session is in, and its services are known. */
  connected() {
    this._connected = true;
    const wanted = this._pending;
    this._pending = null;
    if (wanted) setTimeout(() => this._go(wanted), 0);
  }

  /** Show what an address wants to see. @param {string} fragment */
  open(fragment) {
    const wanted = place.read(fragment);
    this._app.side = Boolean(wanted.side);
    this._app.filters.take(wanted);
    if (this._connected) this._go(wanted);
    else this._pending = wanted;
  }

  /** @param {place.Place} wanted */
  _go(wanted) {
    const { slots, travel } = this._app;
    if (wanted.slot) slots.open(wanted.slot, false);
    else slots.close(false);
    if (wanted.at) travel.show({ cursor: wanted.at });
    else if (wanted.time) travel.show({ ms: wanted.time });
    else if (!wanted.slot && !travel.isLive) travel.goLive();
  }

  /** Go on to an address, so that the browser's Back leads here. @param {place.Place} more */
  push(more) {
    history.pushState(null, "", location.pathname + location.search + place.write({ ...this.here(), ...more }));
  }

  /** The whole address of a place. @param {place.Place} more */
  to(more) {
    return location.origin + location.pathname + place.write({ ...this.here(), ...more });
  }

  /** Where one is, without a moment. @returns {place.Place} */
  here() {
    const { filters, side } = this._app;
    const all = [...this._app.live.services.keys()].every((name) => filters.shows(name));
    return { show: all ? undefined : filters.services, level: filters.level || undefined, find: filters.text || undefined, side: side || undefined };
  }
}
