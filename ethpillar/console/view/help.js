/** Help: the keys, and whether they are on. */

import { button, h } from "./dom.js";

/** @typedef {import("../app.js").App} App */

/** @type {[string[], string][]} */
const KEYS = [
  [["/"], "search"],
  [["n", "N"], "next, previous hit"],
  [["e", "E"], "next, previous error"],
  [["w", "W"], "next, previous warning"],
  [["space"], "pause, or go live"],
  [["End"], "go live"],
  [["↑", "↓"], "line"],
  [["→", "←"], "unfold, fold; in the slot view: next, previous slot"],
  [["Enter"], "what can be done with the line"],
  [["PgUp", "PgDn"], "page"],
  [["c"], "copy the line"],
  [["l"], "copy a link to it"],
  [["s"], "its slot"],
  [["a"], "lines around it"],
  [["t"], "time"],
  [["m"], "side by side, or merged"],
  [["1", "to", "9"], "only that service, as they are listed"],
  [["0"], "all services"],
  [["z"], "zone"],
  [["Esc"], "one step back"],
];

export class Help {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    const single = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", onchange: () => app.look.set("keys", single.checked) }));
    this._single = single;
    const close = button("btn", { onclick: () => this._dialog.close() }, "Close");
    const rows = KEYS.map(([keys, text]) => h("div", h("dt", keys.flatMap((key, i) => [i ? " " : "", key === "to" ? key : h("kbd", key)])), h("dd", text)));
    this._dialog = /** @type {HTMLDialogElement} */ (h("dialog.help-box", { "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, "Keys"), h("dl", rows), h("label.entry", single, "Single keys work while no text field has the focus"), close));
    document.body.append(this._dialog);
  }

  open() {
    this._single.checked = this._app.options.keys;
    this._dialog.showModal();
  }
}

/** The chart as a table, for those who do not see it. */
export class Table {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._body = h("tbody");
    this._dialog = /** @type {HTMLDialogElement} */ (
      h("dialog.help-box", { "aria-labelledby": "table-title" }, h("h2", { id: "table-title" }, "Lines over time"), h("div.scroll", { tabindex: 0 }, h("table", h("thead", h("tr", ["From", "Lines", "Warnings", "Errors"].map((word) => h("th", { scope: "col" }, word)))), this._body)), button("btn", { onclick: () => this._dialog.close() }, "Close"))
    );
    document.body.append(this._dialog);
  }

  open() {
    const { zone, chart: { buckets } } = this._app;
    const rows = buckets.list.flatMap(({ lines, warn, error }, i) => (lines ? [h("tr", h("td", zone.clock(buckets.start(i))), h("td", lines), h("td", warn), h("td", error))] : []));
    this._body.replaceChildren(...(rows.length ? rows : [h("tr", h("td", { colspan: 4 }, "No lines."))]));
    this._dialog.showModal();
  }
}
