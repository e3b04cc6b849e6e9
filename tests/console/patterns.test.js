import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, iso } from "../../ethpillar/console/model/store.js";
import { Patterns } from "../../ethpillar/console/patterns.js";

const NOW = Date.UTC(2026, 10, 26, 2, 12, 41);

class FakeWorker {
  constructor() {
    FakeWorker.last = this;
    /** @type {any[]} */
    this.asked = [];
    /** @type {(event: any) => void} */
    this.onmessage = () => {};
  }

  /** @param {any} question */
  postMessage(question) {
    this.asked.push(question);
  }

  terminate() {}

  /** @param {(line: string) => unknown} of a line */
  answer(of) {
    const { id, lines } = this.asked.shift();
    this.onmessage({ data: { id, found: lines.map(of) } });
  }
}
/** @type {FakeWorker} */
FakeWorker.last = /** @type {any} */ (null);
Object.assign(globalThis, { window: globalThis, Worker: FakeWorker });

/** @param {Store} store @param {number} from @param {number} to */
const add = (store, from, to) => store.add("execution", Array.from({ length: to - from }, (_, i) => ({ line: `line ${from + i}`, timestamp: iso((NOW + from + i) * 1000), cursor: `c${from + i}` }))).added;

test("what a worker finds in a line that was dropped meanwhile is not found in the one that has its place", () => {
  const store = new Store({ entries: 100 });
  const patterns = new Patterns(() => assert.fail("too slow"));
  /** @type {string[]} */
  const found = [];
  const look = (/** @type {number[]} */ slots) => patterns.find("x", store, slots, (some) => found.push(...some.map((slot) => store.line[slot])));
  look(add(store, 0, 100));
  look(add(store, 100, 150));
  store.trim();
  const later = add(store, 150, 180);
  assert.ok(later.some((slot) => slot < 150)); // places are used again
  FakeWorker.last.answer((line) => line.endsWith("0"));
  look(later);
  while (FakeWorker.last.asked.length) FakeWorker.last.answer((line) => line.endsWith("0"));
  const held = store.order.map((slot) => store.line[slot]);
  assert.deepEqual(found, held.filter((line) => line.endsWith("0")));
  patterns.forget();
});
