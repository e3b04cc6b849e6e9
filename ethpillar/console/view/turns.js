/**
 * When a followed log may be painted again.
 *
 * Belongs here: what a painting costs this machine, its share of the time, and leaving the page to who types or scrolls.
 * Lines that come can wait, as nobody reads a hundred a second; what somebody does can't.
 */

/** Painting may take a ninth of the time, and is never later than this, in milliseconds. */
const SHARE = 8;
const LATEST = 250;
/** While somebody types or scrolls it waits, but never longer than this. */
export const PATIENCE = 1_000;

export class Turns {
  /** @param {() => void} again asks for another frame @param {import("./inputs.js").Inputs} inputs */
  constructor(again, inputs) {
    this._again = again;
    this._inputs = inputs;
    this._began = 0;
    this._due = 0;
    this._timer = 0;
    // A message that is posted in a frame comes after the browser has laid out and painted it.
    this._channel = new MessageChannel();
    this._channel.port1.onmessage = () => (this._due = performance.now() + Math.min(LATEST, (performance.now() - this._began) * SHARE));
  }

  /** A painting begins. */
  begin() {
    this._began = performance.now();
    this._due = this._began + LATEST;
    this._channel.port2.postMessage(null);
  }

  /** Whether it is too early for the next one; it is asked for when it may come. */
  get early() {
    const now = performance.now();
    const left = Math.max(this._due, Math.min(this._inputs.until, this._began + PATIENCE)) - now;
    if (left <= 0) return false;
    this._timer ||= window.setTimeout(() => {
      this._timer = 0;
      this._again();
    }, left);
    return true;
  }
}
