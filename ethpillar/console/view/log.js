/**
 * The log: only the rows that can be seen are in the page.
 *
 * Belongs here: scrolling, following, pausing, and which rows are wanted. The rows are `rows.js`'s, what one looks like
 * `row.js`'s, which lines are shown `model/shown.js`'s.
 */

import { Heights } from "../model/order.js";
import { byId, h, say } from "./dom.js";
import { highlight } from "./highlight.js";
import { MOST_ROWS, ROW, Rows } from "./rows.js";
import { Turns } from "./turns.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/shown.js").Shown} Shown */

/** How near the bottom counts as at the bottom, in pixels. */
const NEAR = 4;
/** Pixels of rows beyond the edge while the log is followed: whoever scrolls up stops it, and gets whole screens. */
const FOLLOWED = 120;
/** Milliseconds after the last scrolling until earlier lines may be put in: a flick must have ended. */
const STILL = 120;

/** Milliseconds after somebody went live in which what scrolls is the end of a flick before that. */
const SETTLES = 400;

export class Log {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._heights = new Heights();
    this._rows = new Rows(app, (slot, what) => this.toggle(slot, what), (heights) => this._measured(heights));
    this._top = h("div.spacer");
    this._bottom = h("div.spacer");
    this._early = h("div.early", { role: "listitem" });
    this.root = h("div.log", { id: "log", role: "list", tabindex: 0, "aria-label": "Log" }, this._early, this._top, this._rows.root, this._bottom);
    byId("stage").append(this.root);
    /** @type {Shown} */
    this.shown = app.shown;
    /** Lines that come are followed. */
    this.following = true;
    /** Why it is not followed. @type {"" | "space" | "scroll" | "selection" | "menu" | "history"} */
    this.pause = "";
    /** The first visible row and how much of it is above the edge. @type {{ slot: number, offset: number } | null} */
    this._anchor = null;
    this._scrolled = 0;
    this._followed = 0;
    this._ours = -1;
    /** A place was chosen and is not painted yet: what scrolls until then is the browser, as rows go. */
    this._moving = false;
    this._changed = true;
    /** It can't wait: somebody has done something. Lines that come can, as nobody reads a hundred a second. */
    this._urgent = true;
    this._turns = new Turns(() => app.frames.want());
    this._height = 0;
    this._width = 1000;
    this._earlyHeight = 0;
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
    this._rows.forget();
    this._anchor = null;
    this.following = follow;
    this.pause = follow ? "" : "history";
    this._moving = true;
    this.reset();
  }

  /** The list is another one. */
  reset() {
    this._rows.clear();
    this._heights.replace(0, this.shown.list.length, (i) => this._rows.estimate(this.shown, i, this._width));
    this.changed();
  }

  /** The list has changed from an index on. @param {number} from */
  grown(from) {
    const { length } = this.shown.list;
    if (from >= length && length === this._heights.length) return;
    const same = Math.min(from, this._heights.length);
    this._heights.replace(same, length - same, (i) => this._rows.height(this.shown.list[i]) ?? this._rows.estimate(this.shown, i, this._width));
    this._came();
  }

  /** Rows went at the front. @param {number[]} slots @param {number} count of rows */
  gone(slots, count) {
    for (const slot of slots) this._rows.gone(slot);
    if (!count) return;
    const heights = Array.from({ length: this.shown.list.length }, (_, i) => this._heights.get(i + count));
    this._heights.replace(0, heights.length, (i) => heights[i]);
    this._came();
  }

  /** A row looks different. @param {number} slot */
  refresh(slot) {
    if (this._rows.remove(slot)) this.changed();
  }

  /** Every row looks different. */
  redraw() {
    this._rows.clear();
    this._heights.replace(0, this.shown.list.length, (i) => this._rows.estimate(this.shown, i, this._width));
    this.changed();
  }

  changed() {
    this._changed = this._urgent = true;
    this._app.frames.want();
  }

  /** Lines have come. */
  _came() {
    this._changed = true;
    this._app.frames.want();
  }

  _resized() {
    this._height = this.root.clientHeight;
    this._width = this.root.clientWidth || 1000;
    this._earlyHeight = this._early.offsetHeight;
    this.changed();
  }

  // -- following and pausing

  /** @param {"space" | "scroll" | "selection" | "menu" | "history"} reason */
  stop(reason) {
    if (!this.following) return;
    this._remember();
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
    if (this._moving || Math.abs(this.root.scrollTop - this._ours) < 1) return;
    if (this.following) {
      if (!this.atBottom && performance.now() - this._followed > SETTLES) this.stop("scroll");
    } else if (this.pause === "scroll" && this.atBottom && this._app.travel.isLive) this.follow();
    this._remember();
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

  paint() {
    if (!this._changed || (!this._urgent && this._turns.early)) return;
    this._turns.begin();
    this._changed = this._urgent = false;
    const { root, shown, _heights: heights, _height: visible, _earlyHeight: early } = this;
    const { length } = shown.list;
    let top = this.following ? Math.max(0, heights.total + early - visible) : root.scrollTop;
    if (!this.following && this._anchor) {
      const index = shown.index(this._anchor.slot);
      top = heights.before(index) + early + this._anchor.offset;
    }
    const first = heights.at(Math.max(0, top - early - (this.following ? FOLLOWED : visible)));
    let last = Math.min(length, heights.at(top - early + 2 * visible) + 1);
    const seen = [heights.at(Math.max(0, top - early)), Math.min(length, heights.at(top - early + visible) + 1)];
    if (last - first > MOST_ROWS) last = Math.min(length, Math.max(seen[1] + 8, first + MOST_ROWS));
    const wanted = Math.max(first, last - MOST_ROWS - (this.following ? 0 : 60));
    const [from, to] = this._rows.ahead(shown.list, wanted, last, seen);
    for (const index of this._rows.fill(shown, from, to)) heights.set(index, ROW);
    this._top.style.height = `${heights.before(from)}px`;
    this._bottom.style.height = `${Math.max(0, heights.total - heights.before(to))}px`;
    this._scrollTo(this.following ? root.scrollHeight : top);
    this._moving = false;
    if (!this.following && !this._anchor) this._remember();
    highlight(this, this._app);
    if (from > wanted || to < last) this.changed(); // the next frame makes some more
  }

  /** @param {number} top */
  _scrollTo(top) {
    if (Math.abs(this.root.scrollTop - top) >= 1) this.root.scrollTop = top;
    this._ours = this.root.scrollTop;
  }

  /** @param {Map<number, number>} heights of rows, by slot */
  _measured(heights) {
    let differs = false;
    for (const [slot, height] of heights) {
      const index = this.shown.index(slot);
      if (this.shown.list[index] !== slot || Math.abs(this._heights.get(index) - height) < 0.01) continue;
      this._heights.set(index, height);
      differs = true;
    }
    if (!differs) return;
    this._changed = this._urgent = true;
    this.paint(); // before the browser paints, so that nothing is seen to jump
  }

  _remember() {
    const offset = this.root.scrollTop - this._early.offsetHeight;
    if (!this.shown.list.length) return void (this._anchor = null);
    const index = this._heights.at(Math.max(0, offset));
    this._anchor = { slot: this.shown.list[index], offset: offset - this._heights.before(index) };
  }

  // -- going somewhere

  /** Bring a row into view, at a part of the height. @param {number} index @param {number} [part] */
  goTo(index, part = 0.4) {
    if (index < 0 || index >= this.shown.list.length) return;
    this.stop("scroll");
    if (this.pause === "selection") this.pause = "scroll";
    const above = this.root.clientHeight * part;
    this._anchor = { slot: this.shown.list[index], offset: -above };
    const top = this._heights.before(index) + this._early.offsetHeight - above;
    if (top < 0) this._anchor = { slot: this.shown.list[0], offset: -this._early.offsetHeight };
    this._moving = true;
    this.changed();
  }

  /** Make a row the current one, and bring it into view when it is not. @param {number} index @param {boolean} [middle] */
  select(index, middle = false) {
    const slot = this.shown.list[index];
    if (slot === undefined) return;
    this._choose(slot);
    const top = this._heights.before(index) + this._early.offsetHeight;
    const inside = top >= this.root.scrollTop && top + ROW <= this.root.scrollTop + this.root.clientHeight;
    if (!inside) this.goTo(index, middle ? 0.4 : top < this.root.scrollTop ? 0.1 : 0.85);
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
    const top = this.root.scrollTop - this._early.offsetHeight;
    return [this._heights.at(Math.max(0, top)), this._heights.at(Math.max(0, top + this.root.clientHeight - 1))];
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
