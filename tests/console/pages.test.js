import assert from "node:assert/strict";
import { test } from "node:test";
import { Past, put } from "../../ethpillar/console/model/pages.js";
import { Store, iso } from "../../ethpillar/console/model/store.js";

const NOW = Date.UTC(2026, 10, 26, 2, 12, 41, 600);
const clock = (/** @type {number} */ ms) => new Date(ms).toISOString().slice(11, 19);

/** @param {number} ms @param {string} message @param {Record<string, unknown>} more @returns {any} */
const entry = (ms, message, more) => ({ timestamp: iso(ms * 1000), line: `INFO ${message}`, message, level: "info", fields: {}, component: null, ...more });

/** A server with numbered lines, which answers as `read_logs` does. @param {number} count */
function scripted(count) {
  const all = Array.from({ length: count }, (_, i) => entry(NOW - (count - i) * 1_000, `line ${i}`, { cursor: `s=${i}`, service: "execution", boot: i < count / 2 ? "one" : "two" }));
  /** @type {Record<string, unknown>[]} */
  const asked = [];
  const ask = async (/** @type {any} */ what) => {
    asked.push(what);
    const { limit, before, after, around, since, until } = what;
    const at = (/** @type {string} */ cursor) => Number(cursor.slice(2));
    let [from, to] = [0, count];
    if (since) from = all.findIndex((each) => Date.parse(each.timestamp) >= since);
    if (until) to = all.findLastIndex((each) => Date.parse(each.timestamp) <= until) + 1;
    if (before) to = Math.min(to, at(before));
    if (after) from = at(after) + 1;
    let [first, last] = [Math.max(from, to - limit), to];
    if (after) [first, last] = [from, Math.min(to, from + limit)];
    if (around) [first, last] = [Math.max(0, at(around) - limit / 2), Math.min(count, at(around) + limit / 2)];
    const entries = all.slice(first, last).map((each, i, list) => (i && list[i - 1].boot === each.boot ? { ...each, boot: undefined } : each));
    return /** @type {any} */ ({ entries, before: `s=${first}`, after: `s=${last - 1}`, more: after ? last < to : first > from, scanned: { entries: entries.length, from: entries[0]?.timestamp, until: entries.at(-1)?.timestamp }, gaps: [] });
  };
  return { ask, asked };
}

const EVERYTHING = { services: null, level: 0, search: null, only: false };

test("pages go back to the beginning and forth to the end, each line once", async () => {
  const { ask } = scripted(1_000);
  const past = new Past(ask, { services: ["execution"] }, clock, EVERYTHING);
  await past.around({ cursor: "s=500" });
  while (!past.start) await past.earlier();
  while (!past.end) await past.later();
  const lines = past.store.order.filter((slot) => !past.store.mark[slot]).map((slot) => past.store.message[slot]);
  assert.deepEqual(lines, Array.from({ length: 1_000 }, (_, i) => `line ${i}`));
  assert.match(past.looked(), /^Looked at 1,000 lines, /);
});

test("a moment is read on both sides, and a chosen time stays within", async () => {
  const { ask, asked } = scripted(1_000);
  const past = new Past(ask, { services: ["execution"] }, clock, EVERYTHING);
  await past.around({ ms: NOW - 500_000 });
  assert.deepEqual(asked.map((each) => Object.keys(each).at(-1)), ["until", "after"]);
  assert.equal(past.store.from, NOW - 699_000);
  assert.equal(past.store.to, NOW - 300_000);
  const range = new Past(ask, { services: ["execution"], since: NOW - 100_000, until: NOW - 50_000 }, clock, EVERYTHING);
  await range.load();
  assert.equal(range.store.from, NOW - 100_000);
  assert.equal(range.start, true);
});

test("a reboot is a mark, and so is a gap", async () => {
  const { ask } = scripted(10);
  const store = new Store();
  put(store, await ask({ limit: 100 }), false, clock);
  assert.deepEqual(store.order.filter((slot) => store.mark[slot]).map((slot) => store.mark[slot]?.text), ["The node restarted"]);
  put(store, { entries: [], gaps: [{ reason: "vacuumed", from: iso((NOW - 60_000) * 1000), to: iso((NOW - 30_000) * 1000) }] }, true, clock);
  assert.ok(store.order.some((slot) => store.mark[slot]?.kind === "gap"));
});

test("what refuses is told and leaves what is there", async () => {
  const past = new Past(() => Promise.reject({ code: "limit_reached", message: "Too many." }), { services: ["a"] }, clock, EVERYTHING);
  await past.load();
  assert.equal(past.problem?.code, "limit_reached");
  assert.equal(past.busy, false);
});
