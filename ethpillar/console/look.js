/** How the page looks: theme, zone, and the options of the View menu, which this browser remembers. */

import { Zone } from "./model/times.js";

/** @typedef {import("./app.js").App} App */

const OPTIONS = "options";
const THEME = "theme";
const DEFAULT = { wrap: false, fields: true, component: false, ago: false, traces: false, large: false, keys: true, read: false, readErrors: false };

/** @typedef {typeof DEFAULT} Options */

export class Look {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** @type {Options} */
    this.options = { ...DEFAULT, ...stored(OPTIONS) };
    /** Which zone times are in. @type {Zone} */
    this.zone = Zone.own();
    this.theme = sessionStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  }

  nextTheme() {
    this.theme = this.theme === "dark" ? "light" : "dark";
    sessionStorage.setItem(THEME, this.theme);
    this.apply();
  }

  /** Yours, the node's, UTC. */
  nextZone() {
    const { live, log, slots, slotView, frames } = this._app;
    const node = Zone.named(live.link.about?.zone);
    /** @type {Zone[]} */
    const zones = [Zone.own()];
    for (const zone of [node, new Zone("UTC")]) if (zone && !zones.some((each) => each.name === zone.name)) zones.push(zone);
    const at = zones.findIndex((each) => each.name === this.zone.name);
    this.zone = zones[(at + 1) % zones.length];
    log.redraw();
    if (slots.lines) slotView.draw(slots.lines);
    frames.now();
  }

  /** @param {keyof Options} key @param {boolean} on */
  set(key, on) {
    this.options[key] = on;
    localStorage.setItem(OPTIONS, JSON.stringify(this.options));
    this.apply();
    this._app.log.redraw();
  }

  apply() {
    document.documentElement.dataset.theme = this.theme;
    document.body.classList.toggle("wrap", this.options.wrap);
    document.body.classList.toggle("large", this.options.large);
    this._app.frames.now();
  }
}

/** @param {string} key @returns {Record<string, boolean>} */
function stored(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === "boolean"));
  } catch {
    return {};
  }
}
