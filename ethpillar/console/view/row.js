/** A row of the log: one line, unfolded or not, or a mark. */

import { iso } from "../model/store.js";
import { LONGEST, count, cut, size, visible } from "../model/text.js";
import { span } from "../model/times.js";
import { button, h } from "./dom.js";
import { Line, content } from "./line.js";
import { sideRow } from "./side.js";
import { sign as markSign } from "./signs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/store.js").Store} Store */

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

/** @param {number} slot @param {Look} look @returns {{ node: HTMLElement, line: Line | null }} `line`: what can say another line */
export function item(slot, look) {
  const { store, app } = look;
  const node = h("div.item", { role: "listitem", id: `row-${slot}` });
  if (look.day) node.append(h("div.sign.day", h("p", app.zone.day(store.time[slot] / 1000))));
  const mark = store.mark[slot];
  if (mark || app.side) {
    node.append(mark ? markSign(mark) : sideRow(app, store, slot));
    return { node, line: null };
  }
  const line = new Line(app, content(app, store, slot), (each) => look.toggle(each, "line"));
  node.append(line.root);
  dress(line, slot, look);
  return { node, line: !look.day && !look.unfolded.has(slot) && isBare(app, store, slot) ? line : null };
}

/** Whether a row has nothing that only some have. @param {App} app @param {Store} store @param {number} slot */
export const isBare = ({ options }, store, slot) => !store.more[slot] && !options.ago && !(options.component && store.component[slot]) && store.message[slot].length <= LONGEST;

/** What only some rows have. @param {Line} line @param {number} slot @param {Look} look */
function dress(line, slot, look) {
  const { store, app, unfolded, traces } = look;
  const service = store.services[store.service[slot]];
  const ms = store.time[slot] / 1000;
  const more = store.more[slot];
  const open = unfolded.has(slot);
  const traced = Boolean(more) && (traces.has(slot) || app.options.traces);
  const { rest } = cut(store.message[slot]);
  const named = component(store.component[slot], service, app);
  if (more || open) line.chevron.classList.add("has");
  if (open) line.chevron.setAttribute("aria-expanded", "true");
  line.root.classList.toggle("opened", open);
  line.root.classList.toggle("traced", traced);
  if (app.options.ago) line.time.textContent = `${span(app.now() - ms)} ago`;
  if (named) line.text.before(named);
  if (rest) line.text.after(h("span.rest", ` … ${size(rest)} more, unfold`));
  if (more) line.root.append(...trace(slot, more, look, traced));
  if (open) line.root.append(inspect(slot, look, ms, service));
}

/** @param {string | null} name @param {string} service @param {App} app */
const component = (name, service, app) => (name && app.options.component && name !== `${service}.service` ? h("span.comp", h("bdi", visible(name)), " ") : null);

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
