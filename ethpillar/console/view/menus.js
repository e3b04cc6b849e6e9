/** Menus that open below their button: what else there is, time, view, download. */

import { readTime } from "../model/times.js";
import { visible } from "../model/text.js";
import { button, h, icon } from "./dom.js";
import { slotNow } from "./header.js";

/** @typedef {import("../app.js").App} App */

export class Menus {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** @type {HTMLElement | null} */
    this._open = null;
    /** @type {HTMLElement | null} */
    this._button = null;
    document.addEventListener("pointerdown", (event) => {
      const target = /** @type {Node} */ (event.target);
      if (this._open && !this._open.contains(target) && !this._button?.contains(target)) this.close(false);
    });
  }

  get isOpen() {
    return this._open !== null;
  }

  /** @param {boolean} [back] give the focus back */
  close(back = true) {
    this._open?.remove();
    this._open = null;
    this._button?.setAttribute("aria-expanded", "false");
    if (back) this._button?.focus();
    this._button = null;
    if (this._app.log?.pause === "menu") this._app.log.follow();
  }

  /** @param {HTMLElement} from its button @param {string} label @param {(Node | string | null)[]} inside */
  _show(from, label, inside) {
    const again = this._button === from;
    this.close(false);
    if (again) return from.focus();
    const node = h("div.menu-box", { role: "dialog", "aria-label": label, onkeydown: (/** @type {KeyboardEvent} */ event) => this._key(event) }, inside);
    document.body.append(node);
    const { left, right, bottom } = from.getBoundingClientRect();
    const width = node.offsetWidth;
    node.style.top = `${Math.min(bottom + 4, innerHeight - node.offsetHeight - 8)}px`;
    node.style.left = `${Math.max(8, Math.min(left, right - width > 8 ? Math.max(left, 8) : left, innerWidth - width - 8))}px`;
    this._open = node;
    this._button = from;
    from.setAttribute("aria-expanded", "true");
    /** @type {HTMLElement | null} */ (node.querySelector("input[autofocus]") ?? node.querySelector("button, input"))?.focus();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    event.stopPropagation();
    if (event.key === "Escape") return this.close();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || /^(text|search)$/.test(/** @type {HTMLInputElement} */ (event.target).type ?? "")) return;
    const all = /** @type {HTMLElement[]} */ ([...(this._open?.querySelectorAll("button, input, a") ?? [])]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    all[(at + step + all.length) % all.length]?.focus();
    event.preventDefault();
  }

  /** @param {string} text @param {() => void} act @param {boolean} [chosen] */
  _item(text, act, chosen) {
    return button("entry", { "aria-pressed": chosen === undefined ? null : String(chosen), onclick: () => (this.close(), act()) }, text);
  }

  /** @param {string} text @param {boolean} on @param {(on: boolean) => void} act */
  _check(text, on, act) {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", onchange: () => act(box.checked) }));
    box.checked = on;
    return h("label.entry", box, text);
  }

  // -- on phones, what has no room in the header

  /** @param {HTMLElement} from */
  more(from) {
    const app = this._app;
    this._show(from, "More", [
      h("p.title", visible(app.live.link.about?.name ?? "This page")),
      slotNow(app) ? h("p.note.num", slotNow(app)) : null,
      this._item(`Times: ${app.zone.label(app.now())}`, () => app.look.nextZone()),
      this._item(app.look.theme === "dark" ? "Light colours" : "Dark colours", () => app.look.nextTheme()),
      this._item("Time…", () => this.time(from)),
      this._item("View…", () => this.view(from)),
      this._item("Download…", () => this.download(from)),
      this._item("Keys and help", () => app.help.open()),
    ]);
  }

  // -- time

  /** @param {HTMLElement} from */
  time(from) {
    const app = this._app;
    const now = app.now();
    const problem = h("p.problem", { role: "status" });
    const field = (/** @type {string} */ label, /** @type {string} */ hint, /** @type {boolean} */ first = false) => /** @type {HTMLInputElement} */ (h("input.time", { type: "text", "aria-label": label, placeholder: hint, autofocus: first, autocomplete: "off", spellcheck: "false" }));
    const around = field("Around", "02:50, -2h, 25 Nov 18:00, slot 4453807", true);
    const since = field("From", "25 Nov 18:00");
    const until = field("To", "now");
    const read = (/** @type {HTMLInputElement} */ input, /** @type {string} */ other = "") => {
      const found = readTime(input.value || other, now, app.zone);
      input.setAttribute("aria-invalid", String(found === null));
      problem.textContent = found === null ? `“${input.value}” is not a time. Try 02:50, -2h or 25 Nov 18:00.` : "";
      return found;
    };
    const goAround = (/** @type {Event} */ event) => {
      event.preventDefault();
      const slot = /^slot\s*([\d,]+)$/i.exec(around.value.trim());
      if (slot) return this.close(), app.slots.open(Number(slot[1].replaceAll(",", "")));
      const at = read(around);
      if (at !== null) this.close(), app.travel.goTo(at);
    };
    const goRange = (/** @type {Event} */ event) => {
      event.preventDefault();
      const [start, end] = [read(since), read(until, "now")];
      if (start === null || end === null) return;
      if (start >= end) return void (problem.textContent = "The end is before the start.");
      this.close();
      app.travel.choose(start, end);
    };
    const restart = app.travel.lastRestart();
    const boot = app.travel.lastBoot();
    this._show(from, "Which time is shown", [
      this._item("Last hour, live", () => app.travel.goLive(), app.travel.isLive),
      this._item("Today", () => app.travel.choose(app.zone.midnight(now), now)),
      restart ? this._item(`Since the last restart, ${app.zone.moment(restart, now)}`, () => app.travel.choose(restart, now)) : null,
      boot ? this._item(`Since the last boot, ${app.zone.moment(boot, now)}`, () => app.travel.choose(boot, now)) : null,
      h("form.fields", { onsubmit: goAround }, h("span", "Around"), around, button("btn", { type: "submit" }, "Go")),
      h("form.fields", { onsubmit: goRange }, h("span", "From"), since, h("span", "to"), until, button("btn", { type: "submit" }, "Go")),
      problem,
      h("p.note", `Times are ${app.zone.label(now)}.`),
    ]);
  }

  // -- view

  /** @param {HTMLElement} from */
  view(from) {
    const app = this._app;
    const option = (/** @type {string} */ text, /** @type {keyof import("../look.js").Options} */ key) => this._check(text, Boolean(app.options[key]), (on) => app.look.set(key, on));
    this._show(from, "View", [
      this._check("Side by side", app.side, (on) => app.setSide(on)),
      option("Wrap long lines", "wrap"),
      option("Fields", "fields"),
      option("Component", "component"),
      option("Times as “ago”", "ago"),
      option("Stack traces open", "traces"),
      option("Larger text", "large"),
      option("Single keys (? lists them)", "keys"),
      option("Read out new lines", "read"),
      option("Read out errors only", "readErrors"),
      h("p.title", "Levels"),
      this._item("All, with debug and trace", () => app.filters.setLevel(""), app.filters.level === ""),
      this._item("Info and worse, without debug", () => app.filters.setLevel("info"), app.filters.level === "info"),
      this._item("View the chart as a table", () => app.table()),
      slotNow(app) ? h("p.note.num", slotNow(app)) : null,
    ]);
  }

  // -- download

  /** @param {HTMLElement} from */
  download(from) {
    const app = this._app;
    const said = h("p.problem", { role: "status" });
    const masked = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
    masked.checked = true;
    const sure = h("p.note", { hidden: true }, "Not masked, the file names addresses, peers, keys and validator indices. ", button("link", { onclick: () => ((masked.checked = false), (sure.hidden = true)) }, "Leave them in"));
    masked.addEventListener("change", () => {
      if (masked.checked) return;
      masked.checked = true; // until it was asked
      sure.hidden = false;
    });
    const act = (/** @type {"text" | "json"} */ kind) => async () => {
      said.textContent = masked.checked ? "Reading it again, masked…" : "";
      const problem = await app.sharing.download(kind, masked.checked);
      if (problem) said.textContent = problem;
      else this.close();
    };
    this._show(from, "Download", [
      h("p.title", "What is shown"),
      h("label.entry", masked, "Masked (addresses, keys, validator indices get stable names)"),
      sure,
      button("entry", { onclick: act("text") }, icon("i-down"), "Text"),
      button("entry", { onclick: act("json") }, icon("i-down"), "JSON lines"),
      said,
    ]);
  }

  /** What can be done with the current line. @param {HTMLElement} from @param {[string, () => void][]} entries */
  line(from, entries) {
    this._show(from, "This line", entries.map(([text, act]) => this._item(text, act)));
    if (this.isOpen) this._app.log.stop("menu");
  }
}
