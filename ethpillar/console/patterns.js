/** Patterns of the user, run over held lines in a worker that is ended when it takes too long. */

/** @typedef {import("./model/shown.js").Shown} Shown */

const PATIENCE = 200;
/** Milliseconds for the worker to start, once. */
const START = 3_000;
const BATCH = 2_000;

/** @returns {string} the worker's address, which needs to be trusted explicitly */
const address = (() => {
  const url = new URL("./model/pattern_worker.js", import.meta.url).href;
  const types = /** @type {any} */ (globalThis).trustedTypes;
  const policy = types?.createPolicy("console", { createScriptURL: () => url });
  return () => policy?.createScriptURL("") ?? url;
})();

export class Patterns {
  /** @param {(shown: Shown, slots: number[]) => void} found @param {() => void} tooSlow */
  constructor(found, tooSlow) {
    this._found = found;
    this._tooSlow = tooSlow;
    /** @type {Worker | null} */
    this._worker = null;
    /** @type {{ shown: Shown, slots: number[] }[]} */
    this._queue = [];
    this._busy = false;
    this._started = false;
    this._timer = 0;
    this._id = 0;
  }

  /** Ask which of these a pattern finds. @param {Shown} shown @param {number[]} slots */
  ask(shown, slots) {
    for (let i = 0; i < slots.length; i += BATCH) this._queue.push({ shown, slots: slots.slice(i, i + BATCH) });
    this._next();
  }

  /** Another pattern: what was asked is of no interest any more. */
  forget() {
    this._queue = [];
    this._id++;
    if (this._busy) this._end();
  }

  _next() {
    if (this._busy) return;
    const work = this._queue.shift();
    const pattern = work?.shown.filter.search?.pattern;
    if (!work || !pattern) return;
    const { shown, slots } = work;
    const id = this._id;
    this._worker ??= new Worker(address(), { type: "module" });
    this._busy = true;
    this._worker.onmessage = ({ data }) => {
      clearTimeout(this._timer);
      this._busy = false;
      this._started = true;
      if (data.id === this._id) {
        const found = slots.filter((slot, i) => data.hits[i] && shown.store.line[slot]);
        if (found.length) this._found(shown, found);
      }
      this._next();
    };
    this._worker.onerror = () => this._fail();
    this._timer = window.setTimeout(() => this._fail(), this._started ? PATIENCE : START);
    this._worker.postMessage({ id, source: pattern.source, lines: slots.map((slot) => shown.store.text(slot)) });
  }

  _fail() {
    this._queue = [];
    this._end();
    this._tooSlow();
  }

  _end() {
    clearTimeout(this._timer);
    this._worker?.terminate();
    this._worker = null;
    this._busy = false;
    this._started = false;
  }
}
