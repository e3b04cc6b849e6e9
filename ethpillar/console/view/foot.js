/** Foot: whether it is live, and what is held. And the pill that leads back to live, and the tabs of the phone. */

import { count } from "../model/text.js";
import { span } from "../model/times.js";
import { Memo, button, byId, h, icon } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const RATE_SHOWN = 50;
const FLOOD = 200;
const PAGES = /** @type {const} */ ([
  ["services", "Services"],
  ["log", "Log"],
  ["events", "Today"],
]);

export class Foot {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._root = byId("foot");
    this._pill = button("pill", { hidden: true, onclick: () => app.travel.goLive() });
    this._pillMemo = new Memo();
    this._keys = h("span.wide.keys", h("kbd", "space"), " pause ", h("kbd", "e"), " next error ", h("kbd", "?"), " keys");
    byId("main").append(this._pill);
  }

  draw() {
    const { text, tone, sign, dot, aside } = this._state();
    if (this._memo.changed(text, aside, tone, this._held())) {
      this._root.className = `foot num ${dot ? "live-on" : ""}`;
      this._root.replaceChildren(h(`span.live.is-${tone}`, icon(sign, dot ? ".dot" : ""), text), h("span", aside), h("span.space"), h("span.wide", this._held()), this._keys);
    }
    this._drawPill();
  }

  _state() {
    const app = this._app;
    const { live, zone } = app;
    const { link } = live;
    const ago = Number.isNaN(live.lastLine) ? "" : `Last line ${lastLine(live.now() - live.lastLine)} ago`;
    if (!app.token) return { text: "Not connected", tone: "stopped", sign: "s-stopped", dot: false, aside: "" };
    if (!app.travel.isLive) return { text: "Reading history", tone: "stopped", sign: "s-stopped", dot: false, aside: app.travel.past?.looked() ?? "" };
    const up = link.page === "up" && link.node === "connected";
    if (app.stage.loading || (!up && link.page === "connecting")) return { text: "Connecting", tone: "starting", sign: "s-starting", dot: false, aside: "" };
    if (!up) return { text: `Not live since ${zone.clock(link.since)}`, tone: "warn", sign: "s-unknown", dot: false, aside: ago };
    if (!app.log.following) return { text: `Paused at ${zone.clock(app.pausedAt)}`, tone: "warn", sign: "i-pause", dot: false, aside: ago };
    if (live.rate > FLOOD) return { text: `Live, ${Math.round(live.rate).toLocaleString("en")} lines a second`, tone: "running", sign: "s-running", dot: true, aside: "" };
    const rate = live.rate >= RATE_SHOWN ? `, ${Math.round(live.rate)} lines/s` : "";
    return { text: "Live", tone: "running", sign: "s-running", dot: true, aside: ago + rate };
  }

  _held() {
    const { live, zone } = this._app;
    if (!this._app.travel.isLive || !live.store.lines) return "";
    if (live.store.dropped) return "Holds the newest 100,000 lines; earlier ones are read from the node when you scroll up";
    return `${count(live.store.lines, "line")} held since ${zone.moment(live.store.from, live.now())}`;
  }

  _drawPill() {
    const app = this._app;
    const show = app.travel.isLive ? !app.log.following && app.missed.lines > 0 : true;
    const { lines, errors } = app.missed;
    if (!this._pillMemo.changed(show && !app.slots.number, app.travel.isLive, lines, errors)) return;
    this._pill.hidden = !show || app.slots.number !== null;
    if (!show) return;
    if (!app.travel.isLive) this._pill.replaceChildren(icon("i-down"), "Back to live");
    else this._pill.replaceChildren(icon("i-down"), count(lines, "new line"), ...(errors ? [h("em", icon("s-error"), count(errors, "error"))] : []));
  }
}

/** @param {number} ms */
const lastLine = (ms) => (ms < 10_000 ? `${Math.max(0, ms / 1000).toFixed(1)} s` : span(ms));

export class Tabs {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._root = byId("tabs");
  }

  draw() {
    const { page, newErrors, small } = this._app;
    const instead = small && (page === "events" || (page === "services" && !byId("main").classList.contains("also")));
    if (!this._memo.changed(page, newErrors, small, instead)) return;
    byId("rail").setAttribute("role", instead ? "main" : "navigation"); // a page has one main landmark, and it is on show
    document.body.classList.remove("on-services", "on-log", "on-events");
    document.body.classList.add(`on-${page}`);
    this._root.replaceChildren(
      ...PAGES.map(([id, word]) =>
        h("a", { href: `#${id === "log" ? "main" : "rail"}`, "aria-current": page === id ? "page" : null, onclick: (/** @type {Event} */ event) => (event.preventDefault(), this._app.setPage(id)) }, h("span", word, id === "log" && newErrors ? h("span.num", { "aria-label": count(newErrors, "error") }, newErrors > 999 ? "999+" : newErrors) : null)),
      ),
    );
  }
}
