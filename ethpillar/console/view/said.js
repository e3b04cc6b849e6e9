/** What is said: to screen readers, at most every ten seconds, and in a line above the foot when something was done. */

import { ERROR, MARK } from "../model/store.js";
import { count } from "../model/text.js";
import { byId, h, say } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const EVERY = 10_000;
const SHOWN = 4_000;

export class Said {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._lines = 0;
    this._errors = 0;
    this._last = 0;
    this._timer = 0;
    this._line = h("p.told", { role: "status", hidden: true });
    byId("main").append(this._line);
  }

  /** To screen readers only. @param {string} text */
  say(text) {
    const node = byId("said");
    say(node, "");
    say(node, text);
  }

  /** To everybody, for a moment. @param {string} text */
  tell(text) {
    say(this._line, text);
    this._line.hidden = false;
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => (this._line.hidden = true), SHOWN);
  }

  /** @param {number[]} slots */
  added(slots) {
    const { store } = this._app.live;
    for (const slot of slots) {
      if (store.level[slot] === MARK) continue;
      this._lines++;
      if (store.level[slot] >= ERROR) this._errors++;
    }
  }

  draw() {
    const now = performance.now();
    if (now - this._last < EVERY) return;
    const { read, readErrors } = this._app.options;
    this._last = now;
    const errors = this._errors ? count(this._errors, "error") : "";
    if (readErrors && errors) this.say(errors);
    else if (read && this._lines) this.say([count(this._lines, "new line"), errors].filter(Boolean).join(", "));
    this._lines = this._errors = 0;
  }
}
