/** Side by side: one time axis, a column for each service, each line in a row of its own. */

import { LEVELS, MARK, WARN } from "../model/store.js";
import { cut, visible } from "../model/text.js";
import { Memo, byId, h, icon } from "./dom.js";
import { LEVEL_ICON, sign } from "./signs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/store.js").Store} Store */

/** The column of services that have none of their own. */
export const OTHERS = "others";

/**
 * @typedef {object} GridLook
 * @property {{ at: number, text: string }[]} [rules] dashed lines at moments, in milliseconds
 * @property {(slot: number) => boolean} [dim]
 * @property {"all" | "bad"} fields "bad": only those of warnings and errors
 * @property {Set<string>} [without] fields that are not shown
 */

/**
 * A table of lines, a column for each service.
 *
 * @param {App} app @param {Store} store @param {number[]} slots @param {string[]} names @param {string} title
 * @param {(slot: number) => string} when @param {GridLook} look
 */
export function grid(app, store, slots, names, title, when, look) {
  const rules = [...(look.rules ?? [])];
  const rows = [];
  for (const slot of slots) {
    while (rules.length && store.time[slot] / 1000 >= rules[0].at) rows.push(h("tr.rule", h("td", { colspan: names.length + 1 }, rules.shift()?.text)));
    const mark = store.mark[slot];
    if (mark) rows.push(h("tr.marked", h("td", { colspan: names.length + 1 }, sign(mark))));
    else rows.push(h(`tr${look.dim?.(slot) ? ".dimmed" : ""}`, h("td.num", when(slot)), cells(app, store, slot, names, look)));
  }
  const head = h("thead", h("tr", h("th", { scope: "col" }, title), names.map((name) => h(`th.hue-${app.hue(name)}`, { scope: "col" }, visible(name)))));
  return h("table.grid", head, h("tbody", rows));
}

/** @param {App} app @param {Store} store @param {number} slot @param {string[]} names @param {GridLook} look */
export function cells(app, store, slot, names, look) {
  const service = store.services[store.service[slot]];
  const column = names.includes(service) ? service : OTHERS;
  return names.map((name) => (name === column ? h(`td.hue-${app.hue(service)}`, cell(store, slot, service, look, column === OTHERS)) : h("td")));
}

/** @param {Store} store @param {number} slot @param {string} service @param {GridLook} look @param {boolean} [named] it says whose line it is */
function cell(store, slot, service, look, named = false) {
  const level = LEVELS[store.level[slot]];
  const sign = LEVEL_ICON[/** @type {keyof LEVEL_ICON} */ (level)];
  const shown = store.level[slot] !== MARK && (look.fields === "all" || store.level[slot] >= WARN);
  const pairs = shown ? Object.entries(store.fields[slot] ?? {}).filter(([key]) => !look.without?.has(key)) : [];
  return h(`div.cell.${level || "plain"}`, h(`span.who${named ? ".named" : ""}`, visible(service)), sign && icon(sign), level && level !== "info" ? h("span.sr", `${level} `) : null, h("bdi", cut(store.message[slot]).text), pairs.length ? h("small", h("bdi", pairs.map(([key, value]) => `${visible(key)}=${cut(String(value)).text}`).join("  "))) : null);
}

/** The names above the columns. */
export class SideHead {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._root = h("div.sidehead", { "aria-hidden": "true", hidden: true });
    byId("stage").append(this._root);
  }

  draw() {
    const app = this._app;
    const names = columns(app);
    if (!this._memo.changed(app.side && app.slots.number === null && !app.log.root.hidden, names)) return;
    this._root.hidden = !app.side || app.slots.number !== null || app.log.root.hidden;
    document.body.classList.toggle("sidebyside", app.side);
    this._root.className = `sidehead cols-${names.length}`;
    this._root.replaceChildren(h("span", "time"), ...names.map((name) => h(`span.hue-${app.hue(name)}`, visible(name))));
  }
}

const MOST_COLUMNS = 4;

/** Which services have a column: those that are shown, at most four. @param {App} app */
export const columns = (app) => app.filters.services.slice(0, MOST_COLUMNS);

/** A row of the log, side by side. @param {App} app @param {Store} store @param {number} slot */
export function sideRow(app, store, slot) {
  const names = columns(app);
  const service = store.services[store.service[slot]];
  const ms = store.time[slot] / 1000;
  const look = /** @type {GridLook} */ ({ fields: "bad" });
  const own = names.includes(service);
  const inside = own ? names.map((name) => h(`div.col.hue-${app.hue(name)}`, name === service ? cell(store, slot, service, look) : null)) : h(`div.col.other.hue-${app.hue(service)}`, h("span.svc", visible(service)), cell(store, slot, service, look));
  return h(`div.siderow.cols-${names.length}`, h("time.num", app.zone.clock(ms), h("span.ms", app.zone.millis(ms))), inside);
}
