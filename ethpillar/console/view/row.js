/** A row of the log: one line, unfolded or not, or a mark. */

import { LEVELS, iso } from "../model/store.js";
import { count, cut, size, visible } from "../model/text.js";
import { span } from "../model/times.js";
import { button, h, icon } from "./dom.js";
import { sideRow } from "./side.js";
import { LEVEL_ICON, sign as markSign } from "./signs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/store.js").Store} Store */

/** Fields whose value is a slot; those that a phone shows. */
const SLOT = new Set(["slot", "head_slot", "headSlot", "current_slot", "epoch", "number", "block", "block_number"]);
const KEY = new Set(["error", "err", "reason", "slot", "elapsed", "delay_ms", "available"]);
const MOST_FIELDS = 24;
/** Characters of an unfolded line and its stack trace that are in the page. */
const MOST_PRINTED = 200_000;
const TRACE = /^\s*(at |goroutine |File |Caused by|\.{3} |#\d)/;

/**
 * What a row needs to know beside its line.
 *
 * @typedef {object} Look
 * @property {App} app
 * @property {Store} store
 * @property {Set<number>} unfolded
 * @property {Set<number>} traces whose stack trace is open
 * @property {boolean} day it begins a day
 * @property {(slot: number, what: "line" | "trace") => void} toggle
 */

/** @param {number} slot @param {Look} look @returns {HTMLElement} */
export function item(slot, look) {
  const { store, app } = look;
  const node = h("div.item", { role: "listitem", id: `row-${slot}` });
  if (look.day) node.append(h("div.sign.day", h("p", app.zone.day(store.time[slot] / 1000))));
  const mark = store.mark[slot];
  node.append(mark ? markSign(mark) : app.side ? sideRow(app, store, slot) : row(slot, look));
  return node;
}

/** What every row has; making it once and copying it is what makes rows cheap. */
const SHAPE = h("div.row", button("open", { tabindex: -1, "aria-expanded": "false", "aria-label": "Unfold this line" }), h("time"), h("span.svc", h("bdi")), h("span.msg"));

/** @param {number} slot @param {Look} look */
function row(slot, look) {
  const { store, app, unfolded, traces } = look;
  const level = LEVELS[store.level[slot]];
  const service = store.services[store.service[slot]];
  const ms = store.time[slot] / 1000;
  const more = store.more[slot];
  const open = unfolded.has(slot);
  const traced = Boolean(more) && (traces.has(slot) || app.options.traces);
  const node = /** @type {HTMLElement} */ (SHAPE.cloneNode(true));
  const [chevron, time, svc, message] = /** @type {HTMLElement[]} */ ([...node.children]);
  node.className = `row hue-${app.hue(service)} ${level || "plain"}${open ? " opened" : ""}${traced ? " traced" : ""}`;
  if (more || open) chevron.className = "open has";
  if (open) chevron.setAttribute("aria-expanded", "true");
  chevron.onclick = () => look.toggle(slot, "line");
  if (app.options.ago) time.append(`${span(app.now() - ms)} ago`);
  else time.append(app.zone.clock(ms), h("span.ms", app.zone.millis(ms)));
  svc.title = /** @type {HTMLElement} */ (svc.firstChild).textContent = visible(service);
  const text = cut(store.message[slot]);
  const sign = LEVEL_ICON[/** @type {keyof LEVEL_ICON} */ (level)];
  if (level) message.append(h(`span.lvl${level === "info" ? ".sr" : ""}`, sign && icon(sign), level), " ");
  const named = component(store.component[slot], service, app);
  if (named) message.append(named);
  message.append(h("bdi.text", text.text));
  if (text.rest) message.append(h("span.rest", ` … ${size(text.rest)} more, unfold`));
  if (app.options.fields) message.append(...fields(store, slot, app));
  if (more) node.append(...trace(slot, more, look, traced));
  if (open) node.append(inspect(slot, look, ms, service));
  return node;
}

/** @param {string | null} name @param {string} service @param {App} app */
const component = (name, service, app) => (name && app.options.component && name !== `${service}.service` ? h("span.comp", h("bdi", visible(name)), " ") : null);

/** @param {Store} store @param {number} slot @param {App} app @returns {HTMLElement[]} */
function fields(store, slot, app) {
  const found = store.fields[slot];
  if (!found) return [];
  const message = store.message[slot];
  /** @type {HTMLElement[]} */
  const nodes = [];
  for (const [key, value] of Object.entries(found).slice(0, MOST_FIELDS)) {
    if (message.includes(`${key}=${value}`)) continue;
    nodes.push(h(`span.f${KEY.has(key) ? ".main" : ""}`, " ", h("bdi.key", cut(key).text), reference(store, slot, key, cut(String(value)).text, app)));
  }
  return nodes;
}

/** @param {Store} store @param {number} slot @param {string} key @param {string} value @param {App} app */
function reference(store, slot, key, value, app) {
  if (!SLOT.has(key) || !store.eth[slot]) return h("bdi", value);
  const target = app.slots.of(store, slot);
  if (target === null) return h("bdi", value);
  return h("a", { href: `#slot=${target}`, tabindex: -1, onclick: (/** @type {Event} */ event) => (event.preventDefault(), app.slots.open(target)) }, value);
}

/** @param {number} slot @param {string[]} lines @param {Look} look @param {boolean} open */
function trace(slot, lines, look, open) {
  const label = `${count(lines.length, "more line")}, ${lines.length > 2 || lines.some((line) => TRACE.test(line)) ? "a stack trace" : "part of it"}`;
  const head = button("more", { tabindex: -1, "aria-expanded": String(open), onclick: () => look.toggle(slot, "trace") }, open ? "Fold" : label);
  return open ? [h("div.trace", { tabindex: -1, role: "region", "aria-label": "More lines" }, lines.map((line) => cut(line).text).join("\n")), head] : [head];
}

/** @param {number} slot @param {Look} look @param {number} ms @param {string} service */
function inspect(slot, look, ms, service) {
  const { store, app } = look;
  const utc = iso(store.time[slot]);
  const whole = store.text(slot);
  /** @type {[string, string][]} */
  const pairs = [["time", `${app.zone.clock(ms)}${app.zone.millis(ms)} ${app.zone.label(ms)}`], ["UTC", utc]];
  if (store.component[slot]) pairs.push(["component", /** @type {string} */ (store.component[slot])]);
  pairs.push(...Object.entries(store.fields[slot] ?? {}).map(([key, value]) => /** @type {[string, string]} */ ([key, String(value)])));
  const list = h("dl", pairs.flatMap(([key, value]) => [h("dt", h("bdi", visible(key))), h("dd", h("bdi", visible(value)))]), h("dt", "as printed"), h("dd.whole", h("bdi", visible(whole.slice(0, MOST_PRINTED))), whole.length > MOST_PRINTED ? ` … ${size(whole.length - MOST_PRINTED)} more: copy the line to have it all` : null));
  const target = app.slots.of(store, slot);
  const copy = button("btn", { onclick: () => void app.sharing.copyLine(slot, copy) }, "Copy line");
  const link = button("btn", { onclick: () => void app.sharing.copyLink(slot, link) }, "Copy link");
  const acts = h(
    "div.acts",
    button("btn", { onclick: () => app.travel.around(slot) }, "Lines around this"),
    target !== null ? button("btn", { onclick: () => app.slots.open(target) }, `All of slot ${target}`) : null,
    button("btn", { onclick: () => app.filters.onlyLike(service, store.message[slot]) }, "Only lines like this"),
    copy,
    link,
  );
  return h("div.inspect", list, acts);
}
