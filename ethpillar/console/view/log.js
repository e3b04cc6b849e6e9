/**
 * The log: only the rows that can be seen are in the page.
 *
 * Belongs here: scrolling, following, pausing, painting. Where rows stand is `model/places.js`'s, the rows are `rows.js`'s,
 * what one looks like `row.js`'s, which lines are shown `model/shown.js`'s.
 */

import { Places } from "../model/places.js";
import { byId, h, say } from "./dom.js";
import { highlight } from "./highlight.js";
import { ROW, Rows } from "./rows.js";
import { Turns } from "./turns.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/shown.js").Shown} Shown */

/** How near the bottom counts as at the bottom, in pixels. */
const NEAR = 4;
/** Milliseconds after the last scrolling until earlier lines may be put in: a flick must have ended. */
const STILL = 120;
/** Milliseconds after somebody went live in which what scrolls is the end of a flick before that. */
const SETTLES = 400;

export class Log {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._rows = new Rows(app, (slot, what) => this.toggle(slot, what), (heights) => this._measured(heights));
    this._above = h("div.spacer");
    this._below = h("div.spacer");
    this._early = h("div.early");
    this.root = h("div.log", { id: "log", role: "group", tabindex: 0, "aria-label": "Log" }, this._early, this._above, this._rows.root, this._below);
    byId("stage").append(this.root);
    /** @type {Shown} */
    this.shown = app.shown;
    this._places = new Places(this.shown);
    /** Lines that come are followed. */
    this.following = true;
    /** Why it is not followed. @type {"" | "space" | "scroll" | "selection" | "menu" | "history"} */
    this.pause = "";
    this._scrolled = 0;
    this._followed = 0;
    /** Where it is scrolled to, as far as is known without asking the browser, which would lay out the page first. */
    this._top = -1;
    /** A place was chosen and is not painted yet: what scrolls until then is the browser, as rows go. */
    this._moving = false;
    this._changed = true;
    /** Other hits are to be marked. */
    this._remarked = false;
    /** It can't wait: somebody has done something. Lines that come can, as nobody reads a hundred a second. */
    this._urgent = true;
    this._turns = new Turns(() => app.frames.want(), app.inputs);
    this._width = 1000;
    this.root.addEventListener("scroll", () => this._onScroll(), { passive: true });
    this.root.addEventListener("wheel", (event) => event.deltaY < 0 && this._userScrolledUp(), { passive: true });
    this.root.addEventListener("mousedown", (event) => this._pick(event));
    document.addEventListener("selectionchange", () => this._onSelection());
    const sizes = new ResizeObserver(() => this._resized());
    for (const part of [this.root, this._early]) sizes.observe(part);
  }

  // -- what is shown

  /** Show other lines. @param {Shown} shown @param {boolean} follow */
  attach(shown, follow) {
    this.shown = shown;
    const { height, early } = this._places;
    this._places = Object.assign(new Places(shown), { height, early });
    this._rows.forget();
    this.following = follow;
    this.pause = follow ? "" : "history";
    this._moving = true;
    this.redraw();
  }

  /** The list has changed from an index on. @param {number} from */
  grown(from) {
    const height = (/** @type {number} */ i) => this._rows.height(this.shown.list[i]) ?? this._rows.estimate(this.shown, i, this._width);
    if (this._places.grown(from, height)) this._came();
  }

  /** Rows went at the front. @param {number[]} slots @param {number} count of rows */
  gone(slots, count) {
    for (const slot of slots) this._rows.gone(slot);
    this._places.gone(slots, count);
    if (count) this._came();
  }

  /** A row looks different. @param {number} slot */
  refresh(slot) {
    if (this._rows.remove(slot)) this.changed();
  }

  /** The list is another one, or every row looks different. */
  redraw() {
    this._rows.clear();
    this._places.reset((i) => this._rows.estimate(this.shown, i, this._width));
    this.changed();
  }

  changed() {
    this._changed = this._urgent = true;
    this._app.frames.want();
  }

  /** Hits are others, the rows are the same. */
  remark() {
    this._remarked = true;
    this._app.frames.want();
  }

  /** Lines have come. */
  _came() {
    this._changed = true;
    this._app.frames.want();
  }

  _resized() {
    this._places.height = this.root.clientHeight;
    this._places.early = this._early.offsetHeight;
    this._width = this.root.clientWidth || 1000;
    this.changed();
  }

  // -- following and pausing

  /** @param {"space" | "scroll" | "selection" | "menu" | "history"} reason */
  stop(reason) {
    if (!this.following) return;
    this._places.keep(this._top);
    this.following = false;
    this.pause = reason;
    this._app.missed.begin();
    this.changed();
  }

  follow() {
    this.following = true;
    this._followed = performance.now();
    this.pause = "";
    this._app.missed.begin();
    this.changed();
  }

  get atBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    return scrollTop + clientHeight >= scrollHeight - NEAR;
  }

  _userScrolledUp() {
    if (this.following && this.root.scrollHeight > this.root.clientHeight) this.stop("scroll");
  }

  _onScroll() {
    this._scrolled = performance.now();
    const top = this.root.scrollTop;
    if (this._moving || Math.abs(top - this._top) < 1) return;
    this._top = top;
    if (this.following) {
      if (!this.atBottom && performance.now() - this._followed > SETTLES) this.stop("scroll");
    } else if (this.pause === "scroll" && this.atBottom && this._app.travel.isLive) this.follow();
    this._places.keep(top);
    this.changed();
  }

  _onSelection() {
    const chosen = this._rows.selected;
    if (chosen && this.following) this.stop("selection");
    else if (!chosen && this.pause === "selection") this.follow();
  }

  // -- painting

  /** @returns {boolean} true when it may be asked for earlier lines */
  get still() {
    return performance.now() - this._scrolled > STILL;
  }

  /** @returns {boolean} whether there was something to paint, now */
  paint() {
    const waits = !this._changed || (!this._urgent && this._turns.early);
    if (waits && this._remarked) highlight(this, this._app);
    this._remarked = false;
    if (waits) return false;
    this._turns.begin();
    this._changed = this._urgent = false;
    const { root, shown, following, _places: places } = this;
    const top = following ? places.end : places.scrolled(this._top);
    const wanted = places.wanted(top, following);
    const [from, to] = this._rows.ahead(shown.list, wanted.from, wanted.to, wanted.seen);
    for (const index of this._rows.fill(shown, from, to)) places.set(index, ROW);
    const [above, below] = places.around(from, to);
    this._above.style.height = `${above}px`;
    this._below.style.height = `${below}px`;
    this._scrollTo(following ? root.scrollHeight : top);
    this._moving = false;
    if (!following && !places.isKept) places.keep(this._top);
    highlight(this, this._app);
    if (from > wanted.from || to < wanted.to) this.changed(); // the next frame makes some more
    return true;
  }

  /** @param {number} top */
  _scrollTo(top) {
    if (Math.abs(this.root.scrollTop - top) >= 1) this.root.scrollTop = top;
    this._top = this.root.scrollTop;
  }

  /** @param {Map<number, number>} heights of rows, by slot */
  _measured(heights) {
    if (!this._places.measured(heights)) return;
    this._changed = this._urgent = true;
    this.paint(); // before the browser paints, so that nothing is seen to jump
  }

  // -- going somewhere

  /** Bring a row into view, at a part of the height. @param {number} index @param {number} [part] */
  goTo(index, part = 0.4) {
    if (index < 0 || index >= this.shown.list.length) return;
    this.stop("scroll");
    if (this.pause === "selection") this.pause = "scroll";
    this._places.put(index, this._places.height * part);
    this._moving = true;
    this.changed();
  }

  /** Make a row the current one, and bring it into view when it is not. @param {number} index @param {boolean} [middle] */
  select(index, middle = false) {
    const slot = this.shown.list[index];
    if (slot === undefined) return;
    this._choose(slot);
    const top = this._places.top(index);
    const inside = top >= this._top && top + ROW <= this._top + this._places.height;
    if (!inside) this.goTo(index, middle ? 0.4 : top < this._top ? 0.1 : 0.85);
    else if (middle) this.stop("scroll");
    this.changed();
  }

  /** @param {number} slot */
  _choose(slot) {
    this._rows.choose(slot);
    this.root.setAttribute("aria-activedescendant", `row-${slot}`);
  }

  /** The slot of the row that keys are about, or -1. */
  get current() {
    return this._rows.current;
  }

  get currentIndex() {
    if (this.current < 0) return -1;
    const index = this.shown.index(this.current);
    return this.shown.list[index] === this.current ? index : -1;
  }

  /** The first and the last row that can be seen. */
  get visible() {
    return [this._places.at(this._top), this._places.at(this._top + this._places.height - 1)];
  }

  /** @param {number} pages */
  page(pages) {
    if (pages < 0) this.stop("scroll");
    this.root.scrollBy({ top: pages * (this.root.clientHeight - 2 * ROW) });
  }

  /** @param {number} slot @param {"line" | "trace"} what @param {boolean} [open] */
  toggle(slot, what, open) {
    const set = what === "line" ? this._rows.unfolded : this._rows.traces;
    if (open ?? !set.has(slot)) set.add(slot);
    else set.delete(slot);
    if (this.following) this.stop("scroll");
    this.refresh(slot);
  }

  /** @param {number} slot */
  isOpen(slot) {
    return this._rows.unfolded.has(slot);
  }

  /** What is said above the first row. @param {Node[]} parts */
  sayEarly(parts) {
    const text = parts.map((part) => part.textContent).join("");
    if (this._early.textContent === text) return;
    if (text) this._early.replaceChildren(...parts);
    else say(this._early, "");
    this._resized();
  }

  /** @param {Node} node @returns {number | undefined} the slot of the row it is in */
  slotAt(node) {
    return this._rows.slotAt(node);
  }

  /** The rows in the page. */
  get items() {
    return this._rows.items;
  }

  /** @param {MouseEvent} event */
  _pick(event) {
    const slot = this.slotAt(/** @type {Node} */ (event.target));
    if (slot === undefined) return;
    this._choose(slot);
  }
}
