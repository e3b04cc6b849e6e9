/**
 * Patterns of the user, run in a worker that is ended when it takes too long.
 *
 * Whatever text a pattern is run over, it is run there: a pattern that finds a line at once may take for ever in a part
 * of it.
 */

/** @typedef {import("./model/store.js").Store} Store */
/** @typedef {{ source: string, lines: () => string[], where: boolean, done: (found: any[]) => void }} Job */

const PATIENCE = 200;
/** Milliseconds for the worker to start, once. */
const START = 3_000;
const BATCH = 2_000;
/** Texts whose hits are remembered. */
const KNOWN = 4_000;

/** @returns {string} the worker's address, which needs to be trusted explicitly */
const address = (() => {
  const url = new URL("./model/pattern_worker.js", import.meta.url).href;
  const types = /** @type {any} */ (globalThis).trustedTypes;
  const policy = types?.createPolicy("console", { createScriptURL: () => url });
  return () => policy?.createScriptURL("") ?? url;
})();

export class Patterns {
  /** @param {() => void} tooSlow */
  constructor(tooSlow) {
    this._tooSlow = tooSlow;
    /** @type {Worker | null} */
    this._worker = null;
    /** @type {Job[]} */
    this._queue = [];
    /** Where a text has hits. @type {Map<string, [number, number][]>} */
    this._hits = new Map();
    this._busy = false;
    this._started = false;
    this._timer = 0;
    this._id = 0;
  }

  /**
   * Which lines a pattern finds.
   *
   * @param {string} source @param {Store} store @param {number[]} slots @param {(found: number[]) => void} found called with some of them
   */
  find(source, store, slots, found) {
    for (let i = 0; i < slots.length; i += BATCH) {
      const some = slots.slice(i, i + BATCH);
      const ids = some.map((slot) => store.id(slot));
      const done = (/** @type {boolean[]} */ hit) => {
        const same = some.filter((slot, n) => hit[n] && store.id(slot) === ids[n]); // not one that was dropped meanwhile
        if (same.length) found(same);
      };
      this._queue.push({ source, lines: () => some.map((slot) => store.text(slot)), where: false, done });
    }
    this._next();
  }

  /** Where a pattern has hits in each of some texts; what is not known yet is there when `told` is called. @param {string} source @param {string[]} texts @param {() => void} told */
  hits(source, texts, told) {
    const unknown = [...new Set(texts)].filter((text) => !this._hits.has(text));
    if (this._hits.size > KNOWN) this._hits.clear();
    if (unknown.length) {
      for (const text of unknown) this._hits.set(text, []); // asked once
      const done = (/** @type {[number, number][][]} */ found) => {
        unknown.forEach((text, i) => this._hits.set(text, found[i]));
        if (found.some((each) => each.length)) told();
      };
      this._queue.push({ source, lines: () => unknown, where: true, done });
      this._next();
    }
    return texts.map((text) => this._hits.get(text) ?? []);
  }

  /** Another pattern: what was asked is of no interest any more. */
  forget() {
    this._queue = [];
    this._hits.clear();
    this._id++;
    if (this._busy) this._end();
  }

  _next() {
    if (this._busy) return;
    const job = this._queue.shift();
    if (!job) return;
    const id = this._id;
    this._worker ??= new Worker(address(), { type: "module" });
    this._busy = true;
    this._worker.onmessage = ({ data }) => {
      clearTimeout(this._timer);
      this._busy = false;
      this._started = true;
      if (data.id === this._id) job.done(data.found);
      this._next();
    };
    this._worker.onerror = () => this._fail();
    this._timer = window.setTimeout(() => this._fail(), this._started ? PATIENCE : START);
    this._worker.postMessage({ id, source: job.source, lines: job.lines(), where: job.where });
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
