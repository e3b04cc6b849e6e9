/** Whether somebody types or scrolls at the moment: what is not for them can wait. */

const KINDS = ["keydown", "pointerdown", "wheel", "touchmove"];
/** Milliseconds after the last key, press or scrolling in which more of them are to be expected. */
const BUSY = 120;

export class Inputs {
  constructor() {
    this._last = -Infinity;
    for (const each of KINDS) document.addEventListener(each, () => (this._last = performance.now()), { capture: true, passive: true });
  }

  /** Until when others wait. */
  get until() {
    return this._last + BUSY;
  }

  get busy() {
    return performance.now() < this.until;
  }
}
