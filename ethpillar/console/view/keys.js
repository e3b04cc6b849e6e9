/** Keyboard: single keys while nothing that takes text has the focus. */

import { ERROR, WARN } from "../model/store.js";

/** @typedef {import("../app.js").App} App */

const TEXT = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/** @param {App} app */
export function listen(app) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (target.closest(TEXT) || document.querySelector("dialog[open]")) return;
    const act = always(app, event, target) ?? (app.options.keys ? single(app, event, target) : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {App} app @param {KeyboardEvent} event @param {Element} target @returns {(() => void) | undefined} */
function always(app, event, target) {
  const { log } = app;
  if (event.key === "Escape") return () => app.back();
  if (app.slots.number !== null) return undefined;
  if (target.closest("[role=slider], .last, .trace")) return undefined;
  switch (event.key) {
    case "ArrowDown":
      return () => app.current.step(1);
    case "ArrowUp":
      return () => app.current.step(-1);
    case "ArrowRight":
      return () => app.current.unfold(true);
    case "ArrowLeft":
      return () => app.current.unfold(false);
    case "PageUp":
      return () => log.page(-1);
    case "PageDown":
      return () => log.page(1);
    case "End":
      return () => app.travel.goLive();
    case "Enter":
      return log.current >= 0 && !target.closest("button, a, summary") ? () => app.current.menu() : undefined;
    default:
      return undefined;
  }
}

/** @param {App} app @param {KeyboardEvent} event @param {Element} target @returns {(() => void) | undefined} */
function single(app, event, target) {
  const { log } = app;
  if (app.slots.number !== null && event.key === "ArrowRight") return () => app.slots.open(/** @type {number} */ (app.slots.number) + 1);
  if (app.slots.number !== null && event.key === "ArrowLeft") return () => app.slots.open(/** @type {number} */ (app.slots.number) - 1);
  if (/^[1-9]$/.test(event.key)) return () => app.filters.onlyNumber(Number(event.key));
  switch (event.key) {
    case "/":
      return () => app.tools.input.focus();
    case "n":
      return () => app.filters.nextHit(1);
    case "N":
      return () => app.filters.nextHit(-1);
    case "e":
      return () => app.filters.nextLevel(ERROR, 1);
    case "E":
      return () => app.filters.nextLevel(ERROR, -1);
    case "w":
      return () => app.filters.nextLevel(WARN, 1);
    case "W":
      return () => app.filters.nextLevel(WARN, -1);
    case " ":
      return target.closest("button, a, summary") ? undefined : () => app.togglePause();
    case "c":
      return log.current >= 0 ? () => void app.sharing.copyLine(log.current) : undefined;
    case "l":
      return log.current >= 0 ? () => void app.sharing.copyLink(log.current) : undefined;
    case "s":
      return log.current >= 0 ? () => app.slots.ofCurrent() : undefined;
    case "a":
      return log.current >= 0 ? () => app.travel.around(log.current) : undefined;
    case "t":
      return () => app.menus.time(app.tools.time);
    case "m":
      return () => app.setSide(!app.side);
    case "z":
      return () => app.look.nextZone();
    case "0":
      return () => app.filters.all();
    case "?":
      return () => app.help.open();
    default:
      return undefined;
  }
}
