/** The verdict: one sentence for the person who was woken, and the field for a token when there is none. */

import { SIGNS, verdict } from "../model/verdict.js";
import { visible } from "../model/text.js";
import { Memo, button, byId, h, icon } from "./dom.js";

/** @typedef {import("../app.js").App} App */

export class VerdictLine {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._root = byId("verdict");
    this._field = h("form.paste", { onsubmit: (/** @type {Event} */ event) => this._paste(event) });
    this._input = /** @type {HTMLInputElement} */ (h("input", { type: "password", "aria-label": "The session’s token", placeholder: "Token", autocomplete: "off", spellcheck: "false" }));
    this._field.append(this._input, button("btn.main", { type: "submit" }, "Look"));
    this._news = "";
  }

  draw() {
    const app = this._app;
    const found = verdict(app.situation());
    if (!this._memo.changed(found)) return;
    this._root.className = `verdict ${found.shape}`;
    /** @type {(Node | null)[]} */
    const parts = [icon(`s-${found.shape}`, `.is-${found.shape}`), h("b", visible(found.words)), h("span.num", visible(found.aside))];
    if (found.button === "try") parts.push(button("btn", { onclick: () => app.connection?.tryNow() }, "Try now"));
    if (found.button === "dashboard" || !app.token) parts.push(dashboard());
    if (!app.token || app.live.link.page === "ended") parts.splice(3, 0, this._field);
    const focused = this._root.contains(document.activeElement) && document.activeElement?.className;
    this._root.replaceChildren(.../** @type {Node[]} */ (parts.filter(Boolean)));
    if (focused) /** @type {HTMLElement | null} */ (this._root.querySelector(`[class="${CSS.escape(focused)}"]`))?.focus();
    document.title = `${SIGNS[found.shape]} ${visible(found.words)}`;
    this._speak(found);
  }

  /** To screen readers, once: not again as its seconds and counts go on. @param {import("../model/verdict.js").Verdict} found */
  _speak({ alarm, words }) {
    const news = words.replace(/\d[\d,]*( (s|min|h|d|times?)\b)?/g, "");
    if (news === this._news) return;
    this._news = news;
    byId(alarm ? "alarm" : "state").textContent = visible(words);
  }

  /** @param {Event} event */
  _paste(event) {
    event.preventDefault();
    const token = this._input.value.trim();
    this._input.value = "";
    if (token) this._app.enter(token);
  }
}

/** The dashboard is where somebody came from; a page that was opened by itself knows none. */
function dashboard() {
  if (history.length < 2) return null;
  return button("btn", { onclick: () => history.back() }, "Go to the dashboard");
}
