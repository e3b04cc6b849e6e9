/**
 * When things are done: what somebody does first, work within a budget, painting no more often than is needed.
 *
 * Belongs here: one requestAnimationFrame for the whole page.
 */

import { PATIENCE } from "./turns.js";

/** Milliseconds between two paintings of what nobody reads faster. */
export const SLOW = 250;
/** Milliseconds of a frame for what has come, and for parts of what is painted seldom: all of it in one would be felt. */
const BUDGET = 6;
const PART = 3;
/** A hidden tab gets no frames. Milliseconds between looks at what has come. */
const HIDDEN = 1_000;

/**
 * @typedef {object} Parts
 * @property {(budget: number) => boolean} work goes on with what somebody wants; true when there is more
 * @property {(budget: number) => boolean} take takes what has come by itself; true when there is more
 * @property {() => boolean} paint what moves; true when that is enough for one frame
 * @property {() => (() => void)[]} rest parts of the rest, which are painted one after the other
 */

export class Frames {
  /** @param {Parts} parts @param {import("./inputs.js").Inputs} inputs */
  constructor(parts, inputs) {
    this._parts = parts;
    this._inputs = inputs;
    this._wanted = false;
    /** The rest is to be painted. */
    this._wantsRest = false;
    /** When that was begun, and what is left of it. */
    this._last = -Infinity;
    /** @type {(() => void)[]} */
    this._rest = [];
    /** The last frame was full. */
    this._full = false;
    this._timer = 0;
    this._hiddenTimer = 0;
    // A message that is posted in a frame comes after the browser has painted it.
    this._after = new MessageChannel();
    this._after.port1.onmessage = () => this._take();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this._hiddenTimer);
      this._wanted = false;
      this.now();
    });
  }

  /** Something has changed. */
  want() {
    this._wantsRest = true;
    this.again();
  }

  /** There is more to paint of what has changed. */
  again() {
    if (this._wanted) return;
    this._wanted = true;
    if (document.hidden) this._hiddenTimer = window.setTimeout(() => this._hidden(), HIDDEN);
    else requestAnimationFrame(() => this._frame());
  }

  /** The same at the next opportunity, whatever was painted lately. */
  now() {
    this._last = -Infinity;
    this.want();
  }

  _frame() {
    const { work, paint } = this._parts;
    this._wanted = false;
    if (work(BUDGET)) this.want();
    if (this._inputs.busy) this._after.port2.postMessage(null);
    else this._take();
    this._full = paint() && !this._full;
    if (!this._full) this._paintRest();
    else if (this._wantsRest || this._rest.length) this.again();
  }

  _take() {
    if (this._parts.take(BUDGET)) this.want();
  }

  _paintRest() {
    const now = performance.now();
    const left = this._last + (this._inputs.busy ? PATIENCE : SLOW) - now;
    if (this._wantsRest && left <= 0) {
      this._last = now;
      this._wantsRest = false;
      this._rest = this._parts.rest();
    } else if (this._wantsRest) this._timer ||= window.setTimeout(() => {
      this._timer = 0;
      this.want();
    }, Math.min(left, SLOW));
    while (this._rest.length && performance.now() < now + PART) this._rest.shift()?.();
    if (this._rest.length) this.again();
  }

  _hidden() {
    this._wanted = false;
    while (this._parts.take(50) || this._parts.work(50));
    if (!document.hidden) this.now();
  }
}
