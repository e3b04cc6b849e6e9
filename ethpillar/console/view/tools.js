/** What is shown: search, levels with counts, and the buttons for time, side by side, view and download. */

import { short } from "../model/text.js";
import { Memo, attribute, button, byId, h, icon, say } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const LEVELS = /** @type {const} */ ([
  ["", "All", ""],
  ["warn", "Warnings", "s-warn"],
  ["error", "Errors", "s-error"],
]);
const TYPING = 300;

export class Tools {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._timer = 0;
    this.input = /** @type {HTMLInputElement} */ (h("input", { type: "search", placeholder: "Search all history", spellcheck: "false", autocomplete: "off", "aria-describedby": "find-said", oninput: () => this._typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => this._key(event) }));
    this._said = h("span.hits.num", { id: "find-said" });
    this._hint = h("kbd", { "aria-hidden": "true" }, "/");
    this._up = button("step", { "aria-label": "Previous hit (N)", onclick: () => app.filters.nextHit(-1) }, icon("i-up"));
    this._down = button("step", { "aria-label": "Next hit (n)", onclick: () => app.filters.nextHit(1) }, icon("i-down"));
    this._only = button("only", { "aria-pressed": "false", title: "Show only lines that match", onclick: () => app.filters.setOnly(!app.filters.matchesOnly) }, "Only matches");
    this._find = h("label.find", icon("i-search"), h("span.sr", "Search"), this.input, this._said, this._hint);
    this._steps = h("div.group.steps", this._up, this._down, this._only);
    this._problem = h("p.bad-pattern", { role: "status" });
    this._levels = LEVELS.map(([id, word, sign]) => {
      const count = h("span.num");
      const node = button("level", { "aria-pressed": "false", onclick: () => app.filters.setLevel(id) }, sign && icon(sign, `.is-${id}`), word, " ", count);
      return { id, node, count };
    });
    this.time = button("btn.desk", { "aria-haspopup": "dialog", title: "Which time is shown (t)", onclick: () => app.menus.time(this.time) }, "Last hour");
    this._side = button("btn.desk.wide", { "aria-pressed": "false", title: "A column for each service (m)", onclick: () => app.setSide(!app.side) }, "Side by side");
    this._view = button("btn.desk", { "aria-haspopup": "menu", onclick: () => app.menus.view(this._view) }, "View");
    this._download = button("btn.desk", { "aria-haspopup": "dialog", onclick: () => app.menus.download(this._download) }, "Download");
    byId("tools").append(this._find, this._steps, h("div.group", { role: "group", "aria-label": "Levels" }, this._levels.map((each) => each.node)), h("span.space"), this.time, this._side, this._view, this._download, this._problem);
  }

  draw() {
    const app = this._app;
    const found = app.filters.searchState();
    const counts = app.shown.counts;
    if (!this._memo.changed(counts, app.filters.level, found, app.travel.timeLabel(), app.side, app.filters.matchesOnly, app.shown.hits.length)) return;
    this._levels.forEach(({ id, node, count }, i) => {
      attribute(node, "aria-pressed", String(app.filters.level === id));
      say(count, counts[i] || !id ? short(counts[i]) : "");
    });
    const searching = Boolean(this.input.value.trim());
    this._find.classList.toggle("used", searching);
    this._steps.hidden = !searching;
    this._hint.hidden = searching;
    say(this._said, found.text);
    attribute(this.input, "aria-invalid", found.problem ? "true" : null);
    say(this._problem, found.problem);
    this._problem.hidden = !found.problem;
    attribute(this._only, "aria-pressed", String(app.filters.matchesOnly));
    say(this.time, app.travel.timeLabel());
    attribute(this._side, "aria-pressed", String(app.side));
  }

  /** @param {string} text */
  setText(text) {
    this.input.value = text;
    clearTimeout(this._timer);
    this._app.filters.setSearch(text);
  }

  _typed() {
    clearTimeout(this._timer);
    this._app.filters.type(this.input.value);
    this._timer = window.setTimeout(() => this._app.filters.setSearch(this.input.value), TYPING);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.key === "Enter") {
      clearTimeout(this._timer);
      this._app.filters.setSearch(this.input.value);
      if (event.shiftKey) this._app.filters.nextHit(1);
      else this._app.filters.nextHit(-1);
      event.preventDefault();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (this.input.value) this.setText("");
      else this._app.log.root.focus();
    }
  }
}
