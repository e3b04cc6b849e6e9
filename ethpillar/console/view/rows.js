/**
 * The rows of the log that are in the page: those that can be seen, and some beyond.
 *
 * Belongs here: making, keeping and removing rows, which line each is of, and how high each has become. Which rows are
 * wanted is decided by `log.js`.
 */

import { MOST_ROWS } from "../model/places.js";
import { MARK } from "../model/store.js";
import { h } from "./dom.js";
import { content, shape } from "./line.js";
import { isBare, item } from "./row.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/shown.js").Shown} Shown */

/** The usual height of one. */
export const ROW = 24;
const MARKED = 32;
const WRAPPED = 20;
/** Rows that are made in one frame on each side of what can be seen. */
const AHEAD = 8;
/** Rows that were taken out of the page and are kept for other lines. */
const SPARE = 60;

export class Rows {
  /** @param {App} app @param {(slot: number, what: "line" | "trace") => void} toggle @param {(heights: Map<number, number>) => void} measured by slot */
  constructor(app, toggle, measured) {
    this._app = app;
    this._toggle = toggle;
    this.root = h("div.rows", { role: "list" });
    /** @type {Map<number, HTMLElement>} */
    this.items = new Map();
    /** @type {WeakMap<Element, number>} */
    this._slots = new WeakMap();
    /** @type {WeakMap<Element, number>} */
    this._heights = new WeakMap();
    /** What can say another line. @type {WeakMap<Element, import("./line.js").Line>} */
    this._lines = new WeakMap();
    /** Rows that can say another line. @type {HTMLElement[]} */
    this._spare = [];
    /** Lines that are unfolded, and those whose stack trace is open. @type {Set<number>} */
    this.unfolded = new Set();
    /** @type {Set<number>} */
    this.traces = new Set();
    /** The row that keys are about. */
    this.current = -1;
    this._observer = new ResizeObserver((entries) => measured(this._measured(entries)));
  }

  /** Remove all of them. */
  clear() {
    for (const slot of [...this.items.keys()]) this.remove(slot);
    this._spare = [];
  }

  /** Other lines are shown. */
  forget() {
    this.unfolded.clear();
    this.traces.clear();
    this.current = -1;
  }

  /** @param {number} slot @returns {boolean} whether it was there */
  remove(slot) {
    const node = this.items.get(slot);
    if (!node) return false;
    this._observer.unobserve(node);
    node.remove();
    if (this._spare.length < SPARE && this._lines.has(node)) this._spare.push(node);
    return this.items.delete(slot);
  }

  /** A line is no more. @param {number} slot */
  gone(slot) {
    this.remove(slot);
    this.unfolded.delete(slot);
    this.traces.delete(slot);
    if (slot === this.current) this.current = -1; // another line may have its slot from now on
  }

  /** @param {number} slot */
  choose(slot) {
    this.items.get(this.current)?.classList.remove("current");
    this.current = slot;
    this.items.get(slot)?.classList.add("current");
  }

  /** @param {Node} node @returns {number | undefined} the slot of the row it is in */
  slotAt(node) {
    const found = (node instanceof Element ? node : node.parentElement)?.closest(".item");
    return found ? this._slots.get(found) : undefined;
  }

  /** The height of a row that is in the page. @param {number} slot @returns {number | undefined} */
  height(slot) {
    const node = this.items.get(slot);
    return node?.isConnected ? this._heights.get(node) : undefined;
  }

  /** How high a row will be, before it was ever in the page. @param {Shown} shown @param {number} index @param {number} width of the log */
  estimate({ store, list }, index, width) {
    const slot = list[index];
    if (store.level[slot] === MARK) return MARKED;
    const extra = store.more[slot] ? 22 : 0;
    if (this._app.small) return 34 + Math.min(3, Math.ceil((store.message[slot].length + 8) / (width / 8))) * WRAPPED + extra;
    if (!this._app.options.wrap) return ROW + extra;
    return 4 + WRAPPED * Math.max(1, Math.ceil(store.line[slot].length / Math.max(20, (width - 240) / 7.2))) + extra;
  }

  /** Whether a row is as high as was estimated, so that nothing has to be measured. @param {import("../model/store.js").Store} store @param {number} slot */
  _isPlain(store, slot) {
    const { small, side, options } = this._app;
    return !small && !side && !options.wrap && !options.large && store.level[slot] !== MARK && !store.more[slot] && !this.unfolded.has(slot);
  }

  /**
   * How far beyond what can be seen there will be rows in this frame: making all of them at once would be felt.
   *
   * @param {number[]} list @param {number} from @param {number} to @param {number[]} seen the first row that can be seen, and the one after the last
   */
  ahead(list, from, to, seen) {
    let [first, last] = seen;
    for (let left = AHEAD; first > from && (this.items.has(list[first - 1]) || left-- > 0); ) first--;
    for (let left = AHEAD; last < to && (this.items.has(list[last]) || left-- > 0); ) last++;
    return [first, last];
  }

  /** Have these rows in the page, in their order. @param {Shown} shown @param {number} from @param {number} to @returns {number[]} indices of those that were made and have their usual height */
  fill(shown, from, to) {
    const wanted = shown.list.slice(from, to);
    const set = new Set(wanted);
    const kept = this._keep(shown);
    const free = new Set([...this.items].filter(([slot]) => !set.has(slot) && !kept.has(slot)).map(([, node]) => /** @type {Node} */ (node)));
    let next = this.root.firstChild;
    /** @type {number[]} */
    const plain = [];
    wanted.forEach((slot, i) => {
      let node = this.items.get(slot);
      if (!node) {
        node = this._again(shown, from + i, next, free) ?? this._make(shown, slot, from + i);
        if (this._heights.has(node)) plain.push(from + i);
      } else while (next && free.has(next)) next = next.nextSibling;
      if (node === next) next = next.nextSibling;
      else this.root.insertBefore(node, next);
    });
    for (const [slot, node] of this.items) if (free.has(node)) this.remove(slot);
    return plain;
  }

  /**
   * Have a row that is not needed say another line: the one that stands there, or one that was taken out.
   *
   * @param {Shown} shown @param {number} index @param {Node | null} next where the row will be @param {Set<Node>} free
   */
  _again(shown, index, next, free) {
    const { store, list } = shown;
    const slot = list[index];
    if (slot === this.current || !this._isPlain(store, slot) || !isBare(this._app, store, slot) || this._beginsDay(shown, index)) return undefined;
    const said = content(this._app, store, slot);
    const node = this._free(shape(said), next, free);
    const line = node && this._lines.get(node);
    if (!line) return undefined;
    line.fill(said);
    node.id = `row-${slot}`;
    node.classList.remove("current");
    this._slots.set(node, slot);
    this.items.set(slot, node);
    return node;
  }

  /** A row of a shape that is free. @param {string} wanted @param {Node | null} next @param {Set<Node>} free @returns {HTMLElement | undefined} */
  _free(wanted, next, free) {
    if (next instanceof HTMLElement && free.has(next)) {
      const line = this._lines.get(next);
      if (line?.shape === wanted) {
        free.delete(next);
        this.items.delete(line.slot);
        return next;
      }
    }
    const at = this._spare.findLastIndex((node) => this._lines.get(node)?.shape === wanted);
    return at < 0 ? undefined : this._spare.splice(at, 1)[0];
  }

  /** Rows that must stay: those with the focus or a part of the selection, when they are near. @param {Shown} shown */
  _keep(shown) {
    const selection = this.selected ? document.getSelection() : null;
    const kept = new Set();
    for (const node of [document.activeElement, selection?.anchorNode, selection?.focusNode]) {
      const slot = node && this.slotAt(node);
      if (slot === undefined || slot === null) continue;
      if (shown.list[shown.index(slot)] === slot) kept.add(slot);
    }
    const places = [...kept].map((slot) => shown.index(slot));
    return Math.max(...places) - Math.min(...places) < 2 * MOST_ROWS ? kept : new Set();
  }

  /** Whether a part of the rows is selected. */
  get selected() {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.anchorNode && this.root.contains(selection.anchorNode));
  }

  /** @param {Shown} shown @param {number} slot @param {number} index */
  _make(shown, slot, index) {
    const { store } = shown;
    const day = this._beginsDay(shown, index);
    const { node, line } = item(slot, { app: this._app, store, unfolded: this.unfolded, traces: this.traces, day, toggle: this._toggle });
    if (slot === this.current) node.classList.add("current");
    this._slots.set(node, slot);
    this.items.set(slot, node);
    if (line) this._lines.set(node, line);
    if (day || !this._isPlain(store, slot)) this._observer.observe(node);
    else this._heights.set(node, ROW);
    return node;
  }

  /** @param {Shown} shown @param {number} index */
  _beginsDay({ store, list }, index) {
    if (index === 0) return false;
    const { zone } = this._app;
    return zone.date(store.time[list[index - 1]] / 1000) !== zone.date(store.time[list[index]] / 1000);
  }

  /** @param {ResizeObserverEntry[]} entries */
  _measured(entries) {
    const heights = new Map();
    for (const { target, borderBoxSize } of entries) {
      const slot = this._slots.get(target);
      const height = borderBoxSize[0].blockSize;
      if (slot === undefined || !target.isConnected || height === 0) continue;
      this._heights.set(target, height);
      heights.set(slot, height);
    }
    return heights;
  }
}
