/**
 * When things are done: work at each frame within a budget, painting no more often than is needed.
 *
 * Belongs here: one requestAnimationFrame for the whole page.
 */

/** Milliseconds between two paintings of what nobody reads faster. */
export const SLOW = 250;
/** A hidden tab gets no frames. Milliseconds between looks at what has come. */
const HIDDEN = 1_000;

export class Frames {
  /**
   * @param {(budget: number) => boolean} work what has come; true when there is more
   * @param {() => void} paint what moves
   * @param {() => void} paintSlowly the rest
   */
  constructor(work, paint, paintSlowly) {
    this._work = work;
    this._paint = paint;
    this._paintSlowly = paintSlowly;
    this._wanted = false;
    this._slowWanted = false;
    this._lastSlow = 0;
    this._slowTimer = 0;
    this._hiddenTimer = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this._hiddenTimer);
      this._wanted = false;
      this.now();
    });
  }

  /** Something has changed. */
  want() {
    this._slowWanted = true;
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
    this._lastSlow = 0;
    this.want();
  }

  _frame() {
    this._wanted = false;
    const more = this._work(6);
    this._paint();
    const now = performance.now();
    if (this._slowWanted && now - this._lastSlow >= SLOW) {
      this._lastSlow = now;
      this._slowWanted = false;
      this._paintSlowly();
    } else if (this._slowWanted && !this._slowTimer) {
      this._slowTimer = window.setTimeout(() => {
        this._slowTimer = 0;
        this.want();
      }, SLOW);
    }
    if (more) this.want();
  }

  _hidden() {
    this._wanted = false;
    while (this._work(50));
    if (!document.hidden) this.now();
  }
}
