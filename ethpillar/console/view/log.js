/**
 * The log: only the rows that can be seen are in the page.
 *
 * Belongs here: scrolling, following, pausing, which rows are there and how high they are. What a row looks like is
 * `row.js`'s, which lines are shown `model/shown.js`'s.
 */

import { Heights } from "../model/order.js";
import { MARK } from "../model/store.js";
import { byId, h, say } from "./dom.js";
import { highlight } from "./highlight.js";
import { item } from "./row.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/shown.js").Shown} Shown */

const ROW = 24;
const MOST_ROWS = 150;
/** How near the bottom counts as at the bottom, in pixels. */
const NEAR = 4;
/** Milliseconds after the last scrolling until earlier lines may be put in: a flick must have ended. */
const STILL = 120;

export class Log {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._heights = new Heights();
    /** @type {Map<number, HTMLElement>} */
    this._items = new Map();
    /** @type {WeakMap<Element, number>} */
    this._slots = new WeakMap();
    this._top = h("div.spacer");
    this._rows = h("div.rows", { role: "presentation" });
    this._bottom = h("div.spacer");
    this._early = h("div.early", { role: "listitem" });
    this.root = h("div.log", { id: "log", role: "list", tabindex: 0, "aria-label": "Log" }, this._early, this._top, this._rows, this._bottom);
    byId("stage").append(this.root);
    /** @type {Shown} */
    this.shown = app.shown;
    /** Lines that come are followed. */
    this.following = true;
    /** Why it is not followed. @type {"" | "space" | "scroll" | "selection" | "history"} */
    this.pause = "";
    /** The first visible row and how much of it is above the edge. @type {{ slot: number, offset: number } | null} */
    this._anchor = null;
    /** The row that keys are about. */
    this.current = -1;
    this._unfolded = new Set();
    this._traces = new Set();
    this._scrolled = 0;
    this._ours = -1;
    /** A place was chosen and is not painted yet: what scrolls until then is the browser, as rows go. */
    this._moving = false;
    this._changed = true;
    this._observer = new ResizeObserver((entries) => this._measured(entries));
    this.root.addEventListener("scroll", () => this._onScroll(), { passive: true });
    this.root.addEventListener("wheel", (event) => event.deltaY < 0 && this._userScrolledUp(), { passive: true });
    this.root.addEventListener("mousedown", (event) => this._pick(event));
    document.addEventListener("selectionchange", () => this._onSelection());
    new ResizeObserver(() => this.changed()).observe(this.root);
  }

  // -- what is shown

  /** Show other lines. @param {Shown} shown @param {boolean} follow */
  attach(shown, follow) {
    this.shown = shown;
    this._unfolded.clear();
    this._traces.clear();
    this.current = -1;
    this._anchor = null;
    this.following = follow;
    this.pause = follow ? "" : "history";
    this._moving = true;
    this.reset();
  }

  /** The list is another one. */
  reset() {
    for (const node of this._items.values()) this._remove(node);
    this._items.clear();
    this._heights.replace(0, this.shown.list.length, (i) => this._estimate(i));
    this.changed();
  }

  /** The list has changed from an index on. @param {number} from */
  grown(from) {
    const { length } = this.shown.list;
    if (from >= length && length === this._heights.length) return;
    const same = Math.min(from, this._heights.length);
    const old = same < this._heights.length ? this._known(same) : null;
    this._heights.replace(same, length - same, (i) => old?.get(this.shown.list[i]) ?? this._estimate(i));
    this.changed();
  }

  /** Heights that were measured, by slot. @param {number} from */
  _known(from) {
    const known = new Map();
    for (const [slot, node] of this._items) if (this.shown.index(slot) >= from && node.isConnected) known.set(slot, Number(node.dataset.height) || ROW);
    return known;
  }

  /** Rows went at the front. @param {number[]} slots @param {number} count of rows */
  gone(slots, count) {
    for (const slot of slots) {
      const node = this._items.get(slot);
      if (node) this._remove(node);
      this._items.delete(slot);
      this._unfolded.delete(slot);
      this._traces.delete(slot);
    }
    if (!count) return;
    const heights = Array.from({ length: this.shown.list.length }, (_, i) => this._heights.get(i + count));
    this._heights.replace(0, heights.length, (i) => heights[i]);
    this.changed();
  }

  /** A row looks different. @param {number} slot */
  refresh(slot) {
    const node = this._items.get(slot);
    if (!node) return;
    this._remove(node);
    this._items.delete(slot);
    this.changed();
  }

  /** Every row looks different. */
  redraw() {
    for (const node of this._items.values()) this._remove(node);
    this._items.clear();
    this._heights.replace(0, this.shown.list.length, (i) => this._estimate(i));
    this.changed();
  }

  changed() {
    this._changed = true;
    this._app.frames.want();
  }

  // -- following and pausing

  /** @param {"space" | "scroll" | "selection" | "history"} reason */
  stop(reason) {
    if (!this.following) return;
    this._remember();
    this.following = false;
    this.pause = reason;
    this._app.paused();
    this.changed();
  }

  follow() {
    this.following = true;
    this.pause = "";
    this._app.resumed();
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
      if (!this.atBottom) this.stop("scroll");
    } else if (this.pause === "scroll" && this.atBottom && this._app.travel.isLive) this.follow();
    this._remember();
    this._changed = true;
    this._app.frames.want();
  }

  _onSelection() {
    const chosen = this._selected();
    if (chosen && this.following) this.stop("selection");
    else if (!chosen && this.pause === "selection") this.follow();
  }

  _selected() {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.anchorNode && this.root.contains(selection.anchorNode));
  }

  // -- painting

  /** @returns {boolean} true when it may be asked for earlier lines */
  get still() {
    return performance.now() - this._scrolled > STILL;
  }

  paint() {
    if (!this._changed) return;
    this._changed = false;
    const { root, shown, _heights: heights } = this;
    const visible = root.clientHeight;
    const { length } = shown.list;
    const early = this._early.offsetHeight;
    let top = this.following ? Math.max(0, heights.total + early - visible) : root.scrollTop;
    if (!this.following && this._anchor) {
      const index = shown.index(this._anchor.slot);
      top = heights.before(index) + early + this._anchor.offset;
    }
    const first = Math.max(0, heights.at(Math.max(0, top - early - visible)));
    let last = Math.min(length, heights.at(top - early + 2 * visible) + 1);
    if (last - first > MOST_ROWS) last = Math.min(length, Math.max(heights.at(top - early + visible) + 8, first + MOST_ROWS));
    const from = Math.max(first, last - MOST_ROWS - (this.following ? 0 : 60));
    this._fill(from, last);
    this._top.style.height = `${heights.before(from)}px`;
    this._bottom.style.height = `${Math.max(0, heights.total - heights.before(last))}px`;
    this._scrollTo(this.following ? root.scrollHeight : top);
    this._moving = false;
    if (!this.following && !this._anchor) this._remember();
    highlight(this, this._app);
  }

  /** @param {number} top */
  _scrollTo(top) {
    if (Math.abs(this.root.scrollTop - top) >= 1) this.root.scrollTop = top;
    this._ours = this.root.scrollTop;
  }

  /** @param {number} from @param {number} to */
  _fill(from, to) {
    const { shown, _rows: rows } = this;
    const wanted = shown.list.slice(from, to);
    const set = new Set(wanted);
    const kept = this._keep();
    for (const [slot, node] of this._items)
      if (!set.has(slot) && !kept.has(slot)) {
        this._remove(node);
        this._items.delete(slot);
      }
    let next = rows.firstChild;
    wanted.forEach((slot, i) => {
      let node = this._items.get(slot);
      if (!node) {
        node = this._make(slot, from + i);
        this._items.set(slot, node);
      }
      if (node === next) next = next.nextSibling;
      else rows.insertBefore(node, next);
    });
  }

  /** Rows that must stay: those with the focus or a part of the selection, when they are near. */
  _keep() {
    const kept = new Set();
    const held = [document.activeElement, this._selected() ? document.getSelection()?.anchorNode : null, this._selected() ? document.getSelection()?.focusNode : null];
    for (const node of held) {
      const found = (node instanceof Element ? node : node?.parentElement)?.closest(".item");
      const slot = found && this._slots.get(found);
      if (slot !== undefined && slot !== null && this.shown.store.line[slot]) kept.add(slot);
    }
    for (const slot of kept) if (!this.shown.list.includes(slot)) kept.delete(slot);
    return kept.size && Math.max(...[...kept].map((slot) => this.shown.index(slot))) - Math.min(...[...kept].map((slot) => this.shown.index(slot))) < 2 * MOST_ROWS ? kept : new Set();
  }

  /** @param {number} slot @param {number} index */
  _make(slot, index) {
    const { store, list } = this.shown;
    const zone = this._app.zone;
    const before = index > 0 ? store.time[list[index - 1]] / 1000 : NaN;
    const day = !Number.isNaN(before) && zone.date(before) !== zone.date(store.time[slot] / 1000);
    const look = { app: this._app, store, unfolded: this._unfolded, traces: this._traces, day, toggle: (/** @type {number} */ which, /** @type {"line" | "trace"} */ what) => this.toggle(which, what) };
    const node = item(slot, look);
    if (slot === this.current) node.classList.add("current");
    this._slots.set(node, slot);
    this._observer.observe(node);
    return node;
  }

  /** @param {HTMLElement} node */
  _remove(node) {
    this._observer.unobserve(node);
    node.remove();
  }

  /** @param {number} index */
  _estimate(index) {
    const { store, list } = this.shown;
    const slot = list[index];
    if (store.level[slot] === MARK) return 32;
    const extra = store.more[slot] ? 22 : 0;
    const width = this.root.clientWidth || 1000;
    if (width < 640) return 34 + Math.min(3, Math.ceil((store.message[slot].length + 8) / (width / 8))) * 20 + extra;
    if (!this._app.options.wrap) return ROW + extra;
    return 4 + 20 * Math.max(1, Math.ceil(store.line[slot].length / Math.max(20, (width - 240) / 7.2))) + extra;
  }

  /** @param {ResizeObserverEntry[]} entries */
  _measured(entries) {
    let differs = false;
    for (const { target, borderBoxSize } of entries) {
      const slot = this._slots.get(target);
      if (slot === undefined || !target.isConnected) continue;
      const height = borderBoxSize[0].blockSize;
      const index = this.shown.index(slot);
      if (this.shown.list[index] !== slot || height === 0) continue;
      /** @type {HTMLElement} */ (target).dataset.height = String(height);
      if (Math.abs(this._heights.get(index) - height) < 0.01) continue;
      this._heights.set(index, height);
      differs = true;
    }
    if (!differs) return;
    this._changed = true;
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
    const before = this._items.get(this.current);
    before?.classList.remove("current");
    this.current = slot;
    this._items.get(slot)?.classList.add("current");
    this.root.setAttribute("aria-activedescendant", `row-${slot}`);
    const top = this._heights.before(index) + this._early.offsetHeight;
    const inside = top >= this.root.scrollTop && top + ROW <= this.root.scrollTop + this.root.clientHeight;
    if (!inside) this.goTo(index, middle ? 0.4 : top < this.root.scrollTop ? 0.1 : 0.85);
    else if (middle) this.stop("scroll");
    this._changed = true;
    this._app.frames.want();
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
    const set = what === "line" ? this._unfolded : this._traces;
    if (open ?? !set.has(slot)) set.add(slot);
    else set.delete(slot);
    if (this.following) this.stop("scroll");
    this.refresh(slot);
  }

  /** @param {number} slot */
  isOpen(slot) {
    return this._unfolded.has(slot);
  }

  /** What is said above the first row. @param {Node[]} parts */
  sayEarly(parts) {
    const text = parts.map((part) => part.textContent).join("");
    if (this._early.textContent === text) return;
    if (text) this._early.replaceChildren(...parts);
    else say(this._early, "");
    this._changed = true;
  }

  /** @param {Node} node @returns {number | undefined} the slot of the row it is in */
  slotAt(node) {
    const found = (node instanceof Element ? node : node.parentElement)?.closest(".item");
    return found ? this._slots.get(found) : undefined;
  }

  /** The rows in the page. */
  get items() {
    return this._items;
  }

  /** @param {MouseEvent} event */
  _pick(event) {
    const slot = this.slotAt(/** @type {Node} */ (event.target));
    if (slot === undefined) return;
    const before = this._items.get(this.current);
    before?.classList.remove("current");
    this.current = slot;
    this._items.get(slot)?.classList.add("current");
    this.root.setAttribute("aria-activedescendant", `row-${slot}`);
  }
}
