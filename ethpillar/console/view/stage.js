/** The stage: the log, the slot view, or why there is nothing to see. And what is above the first line. */

import { MARK } from "../model/store.js";
import { count, visible } from "../model/text.js";
import { Memo, attribute, button, byId, h } from "./dom.js";
import { command } from "./why.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/pages.js").Past} Past */

/** Nothing is said about waiting in the first milliseconds. */
const PATIENCE = 400;

export class Stage {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._earlyMemo = new Memo();
    this._void = h("div.void", { hidden: true });
    this._bones = h("div.bones", { "aria-hidden": "true", hidden: true }, Array.from({ length: 16 }, (_, i) => h(`div.bone.w${(i * 37) % 5}`)));
    this._reading = h("p.reading", { role: "status", hidden: true });
    byId("stage").append(this._void, this._bones, this._reading);
    this._timer = 0;
    /** What is being read. @type {Past | null} */
    this._past = null;
    /** Since when more lines are read; milliseconds. */
    this._since = NaN;
    /** The first lines are awaited. */
    this.loading = false;
  }

  /** Something is read from the node, or is not any more. @param {Past | null} past @param {Past} [instead] what was read */
  busy(past, instead) {
    if (!past && this._past !== instead) return; // a newer one is read
    this._past = past;
    clearTimeout(this._timer);
    if (!past) this._reading.hidden = true;
    else
      this._timer = window.setTimeout(() => {
        this._reading.replaceChildren(...(past.searches ? ["Searching… ", this._stop()] : ["Reading…"]));
        this._reading.hidden = false;
      }, PATIENCE);
  }

  /** Ends a search. */
  _stop() {
    return button("link", { onclick: () => this._app.questions.stop("pages") }, "Stop");
  }

  draw() {
    const app = this._app;
    const { live, filters, travel, log, token } = app;
    const none = live.known && ![...live.services.values()].some((each) => each.status.status !== "not_installed");
    const awaited = filters.services.some((name) => !live.begun.has(name) && !live.problems.has(name));
    const loading = this.loading = Boolean(token) && (!live.known || (awaited && live.link.page === "up")) && !live.store.length && live.link.page !== "ended" && live.link.page !== "refused";
    const { store, list } = app.shown;
    const empty = !filters.live.busy && list.every((slot) => store.level[slot] === MARK) && (!list.length || Boolean(filters.text || filters.level));
    const kind = !token ? "token" : loading ? "loading" : none && !live.store.length ? "none" : !empty ? "" : filters.text || filters.level ? "nomatch" : "quiet";
    document.body.classList.toggle("bare", kind === "none" || kind === "token");
    document.body.classList.toggle("in-slot", app.slots.number !== null);
    log.root.hidden = app.slots.number !== null || Boolean(kind);
    this._bones.hidden = kind !== "loading" || app.slots.number !== null;
    this._void.hidden = !kind || kind === "loading" || app.slots.number !== null;
    attribute(byId("stage"), "aria-busy", loading ? "true" : null);
    app.sideHead.draw();
    if (!this._void.hidden && this._memo.changed(kind, filters.text, filters.level, filters.services, live.store.length, travel.isLive)) this._void.replaceChildren(...this._words(kind));
  }

  /** @param {string} kind @returns {Node[]} */
  _words(kind) {
    const app = this._app;
    const { live, filters, travel, zone } = app;
    const now = app.now();
    if (kind === "token") return [h("b", "There is nothing to see without a session."), h("p", "Open the console from the dashboard, or paste the token of a session above.")];
    if (kind === "none")
      return [
        h("b", "This node has none of the services that EthPillar installs."),
        h("p", "Looked for execution, consensus, validator, mevboost and its plugins. Install a client with EthPillar on the node, and it appears here by itself."),
        command("ethpillar"),
        h("div.acts", button("btn", { onclick: () => app.connection?.follow("system") }, "Show the whole system journal")),
      ];
    if (kind === "nomatch") {
      const { store } = app.shown;
      const what = filters.text ? `has “${visible(filters.text)}” in it` : filters.level === "warn" ? "is a warning or an error" : "is an error";
      const range = store.length ? `Looked at ${zone.moment(store.from, now)} to ${zone.moment(store.to, now)}.` : "";
      const acts = [travel.available ? button("btn.main", { onclick: () => void travel.further() }, "Search further back") : null, filters.text ? button("btn", { onclick: () => app.tools.setText("") }, "Clear the search") : button("btn", { onclick: () => filters.setLevel("") }, "Show all levels")];
      return [h("b", `No line among the ${store.length.toLocaleString("en")}${store.length ? ` since ${zone.moment(store.from, now)}` : ""} ${what}.`), h("p", range), h("div.acts", acts)];
    }
    const shown = filters.services;
    const one = shown.length === 1 ? shown[0] : "";
    if (!shown.length) return [h("b", "No service is chosen."), h("div.acts", button("btn.main", { onclick: () => filters.all() }, "Show all services"))];
    const service = live.services.get(one);
    const since = service?.status.status === "active" ? service.since : NaN;
    const runs = travel.isLive && !Number.isNaN(since) ? `It has been running since ${zone.moment(since, now)}. ` : "";
    return [h("b", one ? `${visible(one)} has printed nothing.` : travel.isLive ? "These services have printed nothing." : "There are no lines in this time."), h("p", travel.isLive ? `${runs}New lines appear here as they come.` : ""), h("div.acts", travel.isLive ? button("btn.main", { onclick: () => filters.all() }, "Show all services") : button("btn.main", { onclick: () => travel.goLive() }, "Back to live"))];
  }

  /** What is said above the first line. */
  early() {
    const { log, travel, filters, zone, live, earlier } = this._app;
    const now = this._app.now();
    const { past } = travel;
    const from = past ? past.lookedFrom : live.store.from;
    const { busy, start } = past ?? earlier;
    const slow = this._isSlow(busy);
    if (busy && !slow) return; // what was said stays for a moment
    if (!this._earlyMemo.changed(slow, start, past?.searches, travel.available, filters.text, Math.floor(from / 60_000), Boolean(past), zone.name)) return;
    const back = Number.isNaN(from) ? "" : ` back to ${zone.moment(from, now)}`;
    const further = button("link", { onclick: () => void travel.further() }, "Search further back");
    if (slow) log.sayEarly(past?.searches ? [text(`Searching…${back} · `), this._stop()] : [text("Reading…")]);
    else if (start) log.sayEarly([text("The node’s journal begins here.")]);
    else if (past?.searches || (!past && filters.text && travel.available)) log.sayEarly([text(back ? `Searched${back}. ` : ""), further]);
    else log.sayEarly([]);
    log.root.setAttribute("aria-label", `Log of ${count(filters.services.length, "service")}`);
  }

  /** Whether reading has taken so long that something is to be said. @param {boolean} busy */
  _isSlow(busy) {
    const now = performance.now();
    if (!busy) this._since = NaN;
    else if (Number.isNaN(this._since)) {
      this._since = now;
      setTimeout(() => this._app.frames.now(), PATIENCE);
    }
    return busy && now - this._since >= PATIENCE;
  }
}

/** @param {string} words */
const text = (words) => document.createTextNode(words);
