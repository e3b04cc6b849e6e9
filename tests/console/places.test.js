import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_ROWS, Places } from "../../ethpillar/console/model/places.js";
import { Shown } from "../../ethpillar/console/model/shown.js";
import { Store, iso } from "../../ethpillar/console/model/store.js";

const NOW = Date.UTC(2026, 10, 26, 2, 12, 41);
const HEIGHT = 480;

/** @param {number} most lines that are held */
function log(most) {
  const store = new Store({ entries: most });
  const shown = new Shown(store);
  const places = Object.assign(new Places(shown), { height: HEIGHT });
  let count = 0;
  const add = (/** @type {number} */ lines) => {
    const { added } = store.add("execution", Array.from({ length: lines }, () => ({ line: `line ${count}`, timestamp: iso((NOW + count) * 1000), cursor: `c${count++}` })));
    places.grown(shown.added(added), () => 24);
    const gone = store.trim();
    places.gone(gone, shown.gone(gone));
  };
  return { store, shown, places, add };
}

test("a row that somebody reads keeps its place as others come, go and turn out higher", () => {
  const { store, shown, places, add } = log(1_000);
  add(900);
  places.keep(700 * 24 + 7);
  const slot = shown.list[700];
  const read = store.line[slot];
  const seen = () => shown.list[places.at(places.scrolled(0))];
  assert.equal(store.line[seen()], read);
  for (let i = 0; i < 20; i++) {
    add(20);
    places.measured(new Map([[shown.list[3], 24 + 20 * i], [seen(), 64]]));
    assert.equal(store.line[seen()], read);
    assert.equal(places.scrolled(0) - places.top(shown.index(slot)), 7);
  }
});

test("when the row that somebody reads is dropped, the first of those that are left is shown", () => {
  const { store, shown, places, add } = log(400);
  add(300);
  places.keep(2 * 24 + 5);
  for (let i = 0; i < 30; i++) add(20); // its slot has another line by now
  const first = shown.list[0];
  assert.equal(places.at(places.scrolled(0)), shown.index(first));
  assert.ok(Number(store.line[first].split(" ")[1]) > 400);
});

test("what is in the page are the rows that can be seen and about a screen beyond", () => {
  const { shown, places, add } = log(10_000);
  add(5_000);
  for (const [scrolled, following] of /** @type {[number, boolean][]} */ ([[0, false], [40_000, false], [places.end, false], [places.end, true]])) {
    const { from, to, seen } = places.wanted(scrolled, following);
    assert.ok(from <= seen[0] && seen[1] <= to && to <= shown.list.length);
    assert.ok(to - from <= MOST_ROWS);
    assert.ok(places.top(seen[0]) <= scrolled && places.top(seen[1]) >= Math.min(scrolled + HEIGHT, places.end + HEIGHT));
    if (following) assert.ok(seen[0] - from <= 6);
  }
  const [above, below] = places.around(100, 140);
  assert.equal(above, 2_400);
  assert.equal(below, 4_860 * 24);
});

test("a row can be put somewhere, though not above the first one", () => {
  const { shown, places, add } = log(1_000);
  places.early = 30;
  add(500);
  places.put(100, 192);
  assert.equal(places.scrolled(0), 100 * 24 + 30 - 192);
  places.put(2, 192);
  assert.equal(places.scrolled(0), 0);
  places.keep(0);
  assert.equal(shown.list[places.at(0)], shown.list[0]);
});
