/** The line that keys are about: going from line to line, unfolding it, and the menu of what can be done with it. */

/** @typedef {import("./app.js").App} App */

export class Current {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
  }

  /** @param {1 | -1} by */
  step(by) {
    const { log, shown } = this._app;
    const at = log.currentIndex;
    const [, last] = log.visible;
    const next = at < 0 ? last : Math.min(shown.list.length - 1, Math.max(0, at + by));
    if (by < 0 || at < 0) log.stop("scroll");
    log.select(next);
  }

  /** @param {boolean} open */
  unfold(open) {
    const { log, shown } = this._app;
    if (log.currentIndex < 0) return;
    const slot = log.current;
    log.toggle(slot, "line", open);
    if (shown.store.more[slot]) log.toggle(slot, "trace", open);
  }

  menu() {
    const { log, shown, travel, sharing, filters, slots, menus } = this._app;
    const slot = log.current;
    const node = log.items.get(slot);
    if (!node) return;
    const target = slots.of(shown.store, slot);
    /** @type {[string, () => void][]} */
    const entries = [
      [log.isOpen(slot) ? "Fold" : "Unfold", () => this.unfold(!log.isOpen(slot))],
      ["Lines around this", () => travel.around(slot)],
      ["Only lines like this", () => filters.onlyLike(shown.store.services[shown.store.service[slot]], shown.store.message[slot])],
      ["Copy line", () => void sharing.copyLine(slot)],
      ["Copy link", () => void sharing.copyLink(slot)],
    ];
    if (target !== null) entries.splice(2, 0, [`All of slot ${target}`, () => slots.open(target)]);
    menus.line(node, entries);
  }
}
