/**
 * What a row says of its line, in elements that can say another line: time, service, level, message, fields.
 *
 * Belongs here: the elements of one row, and filling them. A fast log changes all its rows at once, and filling costs
 * less than making them.
 */

import { LEVELS, iso } from "../model/store.js";
import { cut, visible } from "../model/text.js";
import { button, h, icon, say } from "./dom.js";
import { LEVEL_ICON } from "./signs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/store.js").Store} Store */
/** @typedef {{ main: boolean, key: string, value: string, target: number | null }} Field `target`: the slot that it leads to */

/**
 * @typedef {object} Content
 * @property {number} slot of the store
 * @property {string} service
 * @property {string} level
 * @property {string} message
 * @property {string} clock
 * @property {string} millis
 * @property {string} moment ISO 8601
 * @property {Field[]} fields
 */

/** Fields whose value is a slot; those that a phone shows. */
const SLOT = new Set(["slot", "head_slot", "headSlot", "current_slot", "epoch", "number", "block", "block_number"]);
const MAIN = new Set(["error", "err", "reason", "slot", "elapsed", "delay_ms", "available"]);
const MOST_FIELDS = 24;

/** What is said of a line. @param {App} app @param {Store} store @param {number} slot @returns {Content} */
export function content(app, store, slot) {
  const ms = store.time[slot] / 1000;
  return {
    slot,
    service: store.services[store.service[slot]],
    level: LEVELS[store.level[slot]],
    message: cut(store.message[slot]).text,
    clock: app.zone.clock(ms),
    millis: app.zone.millis(ms),
    moment: iso(store.time[slot]),
    fields: app.options.fields ? fields(app, store, slot) : [],
  };
}

/** @param {App} app @param {Store} store @param {number} slot @returns {Field[]} */
function fields(app, store, slot) {
  const message = store.message[slot];
  const linked = store.eth[slot] ? app.slots.of(store, slot) : null;
  return Object.entries(store.fields[slot] ?? {})
    .slice(0, MOST_FIELDS)
    .filter(([key, value]) => !message.includes(`${key}=${value}`))
    .map(([key, value]) => ({ main: MAIN.has(key), key: `${cut(key).text}=`, value: cut(String(value)).text, target: SLOT.has(key) ? linked : null }));
}

/** Two lines of one shape can be said by the same elements. @param {Content} content */
export const shape = ({ level, fields: found }) => `${level} ${found.map(({ main, target }) => `${main ? "m" : ""}${target === null ? "t" : "a"}`).join()}`;

/** What every row has: copying it is what makes rows cheap. */
const SHAPE = h("div.row", button("open", { tabindex: -1, "aria-expanded": "false", "aria-label": "Unfold this line" }), h("time", " ", h("span.ms")), h("span.svc", h("bdi")), h("span.msg"));

export class Line {
  /** @param {App} app @param {Content} said @param {(slot: number) => void} toggle the chevron was pressed */
  constructor(app, said, toggle) {
    this._app = app;
    this.shape = shape(said);
    this.slot = said.slot;
    /** Slots that the fields lead to. @type {(number | null)[]} */
    this._targets = [];
    this.root = /** @type {HTMLElement} */ (SHAPE.cloneNode(true));
    const [chevron, time, svc, msg] = /** @type {HTMLElement[]} */ ([...this.root.children]);
    this.chevron = chevron;
    this.time = time;
    this._svc = svc;
    this.msg = msg;
    this.text = h("bdi.text");
    chevron.onclick = () => toggle(this.slot);
    const sign = LEVEL_ICON[/** @type {keyof LEVEL_ICON} */ (said.level)];
    if (said.level) msg.append(h(`span.lvl${said.level === "info" ? ".sr" : ""}`, sign && icon(sign), said.level), " ");
    msg.append(this.text);
    this._fields = said.fields.map((field, i) => this._field(field, i));
    this.fill(said);
  }

  /** @param {Field} field @param {number} i */
  _field({ main, target }, i) {
    const key = h("bdi.key");
    const value = target === null ? h("bdi") : h("a", { tabindex: -1, onclick: (/** @type {Event} */ event) => this._open(event, i) });
    this.msg.append(h(`span.f${main ? ".main" : ""}`, " ", key, value));
    return { key, value };
  }

  /** @param {Event} event @param {number} i */
  _open(event, i) {
    event.preventDefault();
    const target = this._targets[i];
    if (target !== null) this._app.slots.open(target);
  }

  /** Say a line of the same shape. @param {Content} said */
  fill({ slot, service, level, message, clock, millis, moment, fields: found }) {
    this.slot = slot;
    const name = `row hue-${this._app.hue(service)} ${level || "plain"}`;
    if (this.root.className !== name) this.root.className = name;
    this.time.setAttribute("datetime", moment);
    write(this.time.firstChild, clock);
    say(/** @type {Node} */ (this.time.lastChild), millis);
    const shown = visible(service);
    if (this._svc.title !== shown) {
      this._svc.title = shown;
      say(/** @type {Node} */ (this._svc.firstChild), shown);
    }
    put(this.text, message);
    this._targets = found.map((each) => each.target);
    found.forEach(({ key, value, target }, i) => {
      put(this._fields[i].key, key);
      put(this._fields[i].value, value);
      if (target !== null) this._fields[i].value.setAttribute("href", `#slot=${target}`);
    });
  }
}

/** A text of its own in an element, changed in place. @param {Element} node @param {string} text */
function put(node, text) {
  if (node.firstChild instanceof Text && !node.firstChild.nextSibling) write(node.firstChild, text);
  else node.textContent = text;
}

/** @param {Node | null} node @param {string} text */
function write(node, text) {
  if (node instanceof Text && node.data !== text) node.data = text;
}
