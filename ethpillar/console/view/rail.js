/** Services: each once, as a state and as the switch that shows its log. Below them: what happened today. */

import { facts, sorted, stateOf, why } from "../model/services.js";
import { words } from "../model/today.js";
import { visible } from "../model/text.js";
import { DAY } from "../model/times.js";
import { Memo, button, byId, h, icon, s, say, set } from "./dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/services.js").Service} Service */

const KIND = {
  failed: ["s-failed", "failed"],
  restart: ["s-loop", "warn"],
  gap: ["s-warn", "warn"],
  away: ["s-unknown", "warn"],
  error: ["s-error", "error"],
  critical: ["s-critical", "error"],
  reboot: ["s-loop", "stopped"],
  problem: ["s-warn", "warn"],
};
const MOST_EVENTS = 40;

export class Rail {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._eventsMemo = new Memo();
    /** @type {Map<string, Card>} */
    this._cards = new Map();
    /** What is unfolded below Today, by its key. @type {Set<string>} */
    this._open = new Set();
    this._list = h("ul.cards");
    this._bones = h("div", { "aria-hidden": "true" }, Array.from({ length: 5 }, () => h("div.bone")));
    this._heading = h("h2", "Services");
    this._events = h("ul");
    this._today = h("section.events", { "aria-label": "Today", hidden: true }, h("h2", "Today"), this._events);
    this._nothing = h("p.nothing", "Nothing has happened today.");
    byId("rail").append(this._heading, this._bones, this._list, this._today, this._nothing);
  }

  draw() {
    const { live, now } = this._app;
    const at = now();
    this._bones.hidden = live.known || !this._app.token;
    this._heading.hidden = !this._app.token;
    const all = sorted([...live.services.values()], at);
    for (const service of all) {
      let card = this._cards.get(service.name);
      if (!card) this._cards.set(service.name, (card = new Card(service, this._app)));
      card.draw(at);
    }
    if (this._memo.changed(all.map((each) => each.name))) this._list.replaceChildren(.../** @type {Card[]} */ (all.map((each) => this._cards.get(each.name))).map((card) => card.root));
    this._drawEvents();
  }

  _drawEvents() {
    const { live, zone } = this._app;
    const now = this._app.now();
    const list = live.today.list.filter((each) => each.at > now - DAY).slice(0, MOST_EVENTS);
    this._today.hidden = !list.length;
    this._nothing.hidden = Boolean(list.length) || !live.known;
    if (!this._eventsMemo.changed(list.map((each) => [each.key, each.text, each.count, each.kind]), zone.name, zone.date(now))) return;
    this._events.replaceChildren(
      ...list.map((each) => {
        const [sign, tone] = KIND[each.kind];
        const text = visible(words(each));
        const label = each.hint
          ? h("details", { open: this._open.has(each.key), ontoggle: (/** @type {Event} */ event) => this._toggled(each.key, event) }, h("summary", text), h("p", visible(each.hint)))
          : h("a", { href: "#log", onclick: (/** @type {Event} */ event) => (event.preventDefault(), this._app.travel.goTo(each.at, each.service)) }, text);
        return h("li", h("time.num", zone.moment(each.at, now)), h(`span.is-${tone}`, icon(sign)), label);
      }),
    );
  }

  /** @param {string} key @param {Event} event */
  _toggled(key, event) {
    if (/** @type {HTMLDetailsElement} */ (event.target).open) this._open.add(key);
    else this._open.delete(key);
  }
}

/** One service. */
class Card {
  /** @param {Service} service @param {App} app */
  constructor(service, app) {
    this._service = service;
    this._app = app;
    this._memo = new Memo();
    this._box = /** @type {HTMLInputElement} */ (h("input.show", { type: "checkbox", "aria-label": `Show ${visible(service.name)} in the log`, onchange: () => app.filters.toggle(service.name) }));
    this._name = button("name", { title: `${visible(service.name)}: only this one`, onclick: () => app.filters.only(service.name) }, visible(service.name));
    this._state = h("span.state");
    this._facts = h("span");
    this._more = h("span.graph");
    this._why = h("span.why");
    this.root = h(`li.hue-${service.hue}`, this._box, this._name, this._state, h("span.facts.num", this._facts, this._more), this._why);
  }

  /** @param {number} now */
  draw(now) {
    const service = this._service;
    const { shape, word } = stateOf(service, now);
    const text = facts(service, now, (ms) => this._app.zone.minute(ms));
    const because = why(service, now);
    const shown = this._app.filters.shows(service.name);
    const looping = shape === "loop" ? service.recent(now).length : 0;
    this._box.checked = shown;
    if (!this._memo.changed(shape, word, text, because, looping, service.memory.length, service.memory.at(-1)?.bytes, service.client)) return;
    this._state.className = `state is-${shape}`;
    this._state.replaceChildren(icon(`s-${shape}`), word);
    say(this._facts, visible(text));
    set(this._facts, { title: visible(service.status.description ?? "") });
    this._why.hidden = !because;
    say(this._why, visible(because));
    this._name.classList.toggle("dim", shape === "stopped");
    this._more.replaceChildren(...(looping ? [ticks(looping)] : shape === "running" && service.memory.length > 2 ? [spark(service.memory, this._app.zone)] : []));
  }
}

/** Its memory since the page was opened. @param {{ at: number, bytes: number }[]} points @param {import("../model/times.js").Zone} zone */
function spark(points, zone) {
  const width = 56;
  const values = points.map((each) => each.bytes);
  const low = Math.min(...values);
  const high = Math.max(...values, low * 1.1, low + 1);
  const from = points[0].at;
  const long = Math.max(1, points[points.length - 1].at - from);
  const place = points.map(({ at, bytes }) => `${(((at - from) / long) * width).toFixed(1)},${(14 - ((bytes - low) / (high - low)) * 12).toFixed(1)}`);
  return s("svg.spark", { width, height: 16, "aria-hidden": "true" }, s("title", `Memory since ${zone.minute(from)}`), s("polyline", { points: place.join(" ") }));
}

/** One for each restart. @param {number} count */
function ticks(count) {
  const many = Math.min(count, 14);
  return s("svg.ticks", { width: Math.ceil(many * 6.3), height: 14, "aria-hidden": "true" }, Array.from({ length: many }, (_, i) => s("rect", { x: 2 + i * 6.3, y: 1, width: 2, height: 12 })));
}
