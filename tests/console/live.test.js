import assert from "node:assert/strict";
import { test } from "node:test";
import { Live } from "../../ethpillar/console/model/live.js";
import * as marks from "../../ethpillar/console/model/marks.js";
import { Service, facts, why } from "../../ethpillar/console/model/services.js";
import { verdict } from "../../ethpillar/console/model/verdict.js";
import { iso } from "../../ethpillar/console/model/store.js";

const NOW = Date.UTC(2026, 10, 26, 2, 12, 41);

/** @param {number} ms @param {string} message @param {Record<string, unknown>} [more] */
const entry = (ms, message, more = {}) => ({ timestamp: iso(ms * 1000), line: message, message, level: "info", fields: {}, component: null, cursor: `c${ms}-${message}`, ...more });

/** @param {number} [at] */
function followed(at = NOW) {
  const time = { now: at };
  const live = new Live(() => {}, () => time.now);
  live.state({ page: "up", node: "connected", since: at });
  return { live, time };
}

/** @param {Live} live */
const marked = (live) => live.store.order.map((slot) => live.store.mark[slot]?.text ?? live.store.message[slot]);

test("a backlog is no flood, however young its lines are", () => {
  const { live } = followed();
  live.entries("execution", Array.from({ length: 500 }, (_, i) => entry(NOW - 5_000 + i, `line ${i}`)));
  live.tick();
  assert.equal(live.pace.rate, 0);
  live.logState({ service: "execution", state: "live" });
  live.entries("execution", [entry(NOW, "a new one")]);
  live.tick();
  assert.equal(live.pace.rate, 1 / 5);
});

test("a flood is told with what was usual", () => {
  const { live, time } = followed();
  live.logState({ service: "execution", state: "live" });
  for (let at = NOW - 200_000; at < NOW; at += 500) live.entries("execution", [entry(at, `line ${at}`)]);
  live.entries("consensus", [entry(NOW, "one")]);
  time.now = NOW + 6_000;
  live.work(Infinity);
  live.tick();
  assert.equal(live.pace.flood, null);
  live.entries("execution", Array.from({ length: 2_000 }, (_, i) => entry(NOW + i, `fast ${i}`)));
  live.work(Infinity);
  live.tick();
  assert.deepEqual(live.pace.flood, { service: "execution", rate: 400, usual: [2, 2] });
  assert.equal(live.pace.usual("consensus"), null);
});

test("a gap is told with what is missing", () => {
  const { live } = followed();
  live.logState({ service: "execution", state: "gap", reason: "vacuumed", from: iso((NOW - 2_000) * 1000), to: iso(NOW * 1000) });
  assert.deepEqual(live.today.list.map((each) => each.text), ["Lines missing: 2 s"]);
});

test("it is not said that no line was lost when lines are missing", () => {
  const gap = { service: "execution", state: "gap", reason: "vacuumed", from: iso((NOW - 2_000) * 1000), to: iso(NOW * 1000) };
  for (const first of [true, false, null]) {
    const { live, time } = followed();
    live.state({ page: "up", node: "reconnecting", since: NOW });
    time.now += 8_000;
    if (first) live.logState(gap);
    live.state({ page: "up", node: "connected", since: time.now });
    time.now += 100;
    if (first === false) live.logState(gap);
    const back = live.store.order.map((slot) => live.store.mark[slot]).find((mark) => mark?.kind === "resumed");
    assert.equal(back?.text, "The connection to the node came back after 8 s");
    assert.equal(back?.more, first === null ? "No line was lost" : undefined);
  }
});

test("what was lost is told: the node, this page's server, or the session", () => {
  for (const [link, mark, today] of /** @type {[any, RegExp, string[]][]} */ ([
    [{ page: "up", node: "reconnecting" }, /^No connection to the node since /, ["Node out of reach for 1 min 30 s"]],
    [{ page: "down", node: "unknown" }, /^No connection to the server since /, ["Server out of reach for 1 min 30 s"]],
    [{ page: "ended", node: "unknown" }, /^The session ended at /, []],
    [{ page: "refused", node: "unknown" }, /^The session ended at /, []],
  ])) {
    const { live, time } = followed();
    live.state({ ...link, since: NOW });
    assert.match(marked(live)[0], mark);
    time.now += 90_000;
    live.state({ page: "up", node: "connected", since: time.now });
    assert.deepEqual(live.today.list.map((each) => each.text), today);
    if (today.length) assert.match(marked(live)[1], new RegExp(`^The connection to the ${today[0].split(" ")[0].toLowerCase()} came back after 1 min 30 s$`));
  }
});

test("a service is silent only when its last lines have come", () => {
  const { live } = followed();
  live.status([{ service: "execution", status: "active" }]);
  live.entries("execution", Array.from({ length: 60 }, (_, i) => entry(NOW - 600_000 + i * 1_000, `line ${i}`)));
  live.work(Infinity);
  assert.equal(live.silent, null);
  live.logState({ service: "execution", state: "live" });
  assert.equal(/** @type {any} */ (live.silent)?.service, "execution");
});

test("a failure from before the page was opened is marked among its lines", () => {
  const { live } = followed();
  const since = iso((NOW - 2_000) * 1000);
  live.status([{ service: "execution", status: "failed", since, exit_status: 1 }]);
  assert.deepEqual(marked(live), []);
  live.entries("consensus", [entry(NOW - 3_000, "before"), entry(NOW - 1_000, "after")]);
  live.work(Infinity);
  assert.deepEqual(marked(live), ["before", "execution failed", "after"]);
  live.entries("consensus", [entry(NOW, "later")]);
  live.work(Infinity);
  assert.equal(marked(live).filter((each) => each === "execution failed").length, 1);
});

test("a failure in a second is marked behind the lines of that second", () => {
  const { live } = followed();
  live.status([{ service: "execution", status: "failed", since: "2026-11-26T02:12:40Z" }]);
  live.entries("execution", [entry(NOW - 3_000, "before"), entry(NOW - 100, "the last words"), entry(NOW, "after")]);
  live.work(Infinity);
  assert.deepEqual(marked(live), ["before", "the last words", "execution failed", "after"]);
});

test("a failure from before all lines that are held has no mark, nor one that is over", () => {
  for (const over of [false, true]) {
    const { live } = followed();
    live.status([{ service: "execution", status: "failed", since: iso((NOW - 60_000) * 1000) }]);
    if (over) live.status([{ service: "execution", status: "active", since: iso((NOW - 1_500) * 1000) }]);
    live.entries("consensus", [entry(over ? NOW - 70_000 : NOW - 3_000, "a line")]);
    live.work(Infinity);
    assert.deepEqual(marked(live), ["a line"]);
  }
});

test("a reboot is marked once, though each service tells of it", () => {
  const { live } = followed();
  live.entries("execution", [entry(NOW - 9_000, "one", { boot: "a" }), entry(NOW - 4_000, "two", { boot: "b" })]);
  live.entries("consensus", [entry(NOW - 8_000, "three", { boot: "a" }), entry(NOW - 3_000, "four", { boot: "b" })]);
  live.entries("execution", [entry(NOW - 1_000, "five", { boot: "b" })]);
  live.work(Infinity);
  assert.deepEqual(marked(live), ["one", "three", "The node restarted", "two", "four", "five"]);
});

test("marks are no lines", () => {
  const { live } = followed();
  live.entries("execution", [entry(NOW - 10, "a line")]);
  live.work(Infinity);
  live.state({ page: "up", node: "reconnecting", since: NOW });
  assert.equal(live.store.length, 2);
  assert.equal(live.store.lines, 1);
});

test("what an update does not know stays as it was", () => {
  const service = new Service("execution", 0);
  service.update({ service: "execution", status: "active", client: "Geth" }, NOW);
  service.update({ service: "execution", status: "unknown", client: null, description: null, since: null }, NOW);
  assert.equal(facts(service, NOW), "Geth · was running");
});

test("a unit that was killed ended with a signal", () => {
  for (const [result, exit_status, words] of /** @type {[string, number, string][]} */ ([["exit-code", 9, "Exit status 9"], ["signal", 9, "Signal 9"], ["oom-kill", 9, "Signal 9"], ["oom-kill", 1, "Exit status 1"], ["core-dump", 6, "Signal 6"], ["timeout", 0, "Result timeout"]])) {
    const service = new Service("execution", 0);
    service.update({ service: "execution", status: "failed", result, exit_status }, NOW);
    assert.equal(why(service, NOW), words);
    assert.equal(marks.failed("execution", { result, exit_status }).more, words);
  }
});

test("what was never known is not said to have been", () => {
  const service = new Service("execution", 0);
  service.update({ service: "execution", status: "unknown" }, NOW);
  service.update({ service: "execution", status: "unknown" }, NOW);
  assert.equal(facts(service, NOW), "");
  service.update({ service: "execution", status: "active" }, NOW);
  service.update({ service: "execution", status: "unknown" }, NOW);
  assert.match(facts(service, NOW), /was running/);
});

test("a node that has gone this moment is not away for no time", () => {
  const situation = { token: true, services: [], known: true, lastError: NaN, errorsInHour: 0, clock: String, now: NOW };
  const words = (/** @type {number} */ since) => verdict(/** @type {any} */ ({ ...situation, link: { page: "up", node: "reconnecting", since } })).words;
  assert.equal(words(NOW - 300), "The node is out of reach.");
  assert.equal(words(NOW - 3_000), "The node has been out of reach for 3 s.");
});
