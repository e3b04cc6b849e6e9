/** Foot: whether it is live, and what is held. And the pill that leads back to live, and the tabs of the phone. */

import { FLOOD } from "../model/pace.js";
import { count } from "../model/text.js";
import { span } from "../model/times.js";
import { Memo, button, byId, h, icon, say } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const RATE_SHOWN = 50;
const PAGES = /** @type {const} */ ([
  ["services", "Services"],
  ["log", "Log"],
  ["events", "Today"],
]);

export class Foot {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._root = byId("foot");
    this._sign = h("span.live");
    this._signMemo = new Memo();
    this._words = h("span");
    this._aside = h("span");
    this._holds = h("span.wide");
    this._pill = button("pill", { hidden: true, onclick: () => app.travel.goLive() });
    this._pillMemo = new Memo();
    this._keys = h("span.wide.keys", h("kbd", "space"), " pause ", h("kbd", "e"), " next error ", h("kbd", "?"), " keys");
    this._root.append(this._sign, this._aside, h("span.space"), this._holds, this._keys);
    byId("main").append(this._pill);
  }

  draw() {
    const { text, tone, sign, dot, aside } = this._state();
    if (this._signMemo.changed(sign, tone, dot)) {
      this._root.className = `foot num ${dot ? "live-on" : ""}`;
      this._sign.className = `live is-${tone}`;
      this._sign.replaceChildren(icon(sign, dot ? ".dot" : ""), this._words);
    }
    say(this._words, text);
    say(this._aside, aside);
    say(this._holds, this._held());
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
    if (!app.log.following) return { text: `Paused at ${zone.clock(app.missed.since)}`, tone: "warn", sign: "i-pause", dot: false, aside: ago };
    if (live.pace.rate > FLOOD) return { text: `Live, ${Math.round(live.pace.rate).toLocaleString("en")} lines a second`, tone: "running", sign: "s-running", dot: true, aside: "" };
    const rate = live.pace.rate >= RATE_SHOWN ? `, ${Math.round(live.pace.rate)} lines/s` : "";
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
    const { page, small, missed: { unseen } } = this._app;
    const instead = small && (page === "events" || (page === "services" && !byId("main").classList.contains("also")));
    if (!this._memo.changed(page, unseen, small, instead)) return;
    byId("rail").setAttribute("role", instead ? "main" : "navigation"); // a page has one main landmark, and it is on show
    document.body.classList.remove("on-services", "on-log", "on-events");
    document.body.classList.add(`on-${page}`);
    this._root.replaceChildren(
      ...PAGES.map(([id, word]) =>
        h("a", { href: `#${id === "log" ? "main" : "rail"}`, "aria-current": page === id ? "page" : null, onclick: (/** @type {Event} */ event) => (event.preventDefault(), this._app.setPage(id)) }, h("span", word, id === "log" && unseen ? h("span.num", { "aria-label": count(unseen, "error") }, unseen > 999 ? "999+" : unseen) : null)),
      ),
    );
  }
}
