import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, isBad } from "../../ethpillar/console/model/advice.js";
import { Buckets } from "../../ethpillar/console/model/buckets.js";
import { Live } from "../../ethpillar/console/model/live.js";
import * as marks from "../../ethpillar/console/model/marks.js";
import { Heights, merge } from "../../ethpillar/console/model/order.js";
import * as place from "../../ethpillar/console/model/place.js";
import { compile, hits, matches } from "../../ethpillar/console/model/search.js";
import { Service, facts, sorted, stateOf, why } from "../../ethpillar/console/model/services.js";
import { Shown } from "../../ethpillar/console/model/shown.js";
import { NETWORKS, networkOf, slotAt, slotStart } from "../../ethpillar/console/model/slots.js";
import { Store, iso, micros } from "../../ethpillar/console/model/store.js";
import { cut, visible } from "../../ethpillar/console/model/text.js";
import { HOUR, Zone, readTime } from "../../ethpillar/console/model/times.js";
import { Today, words } from "../../ethpillar/console/model/today.js";
import { verdict } from "../../ethpillar/console/model/verdict.js";

const NOW = Date.UTC(2026, 10, 26, 2, 12, 41, 600);
const clock = (/** @type {number} */ ms) => new Date(ms).toISOString().slice(11, 19);

/** @param {number} ms @param {string} message @param {Record<string, unknown>} [more] */
const entry = (ms, message, more = {}) => ({ timestamp: iso(ms * 1000), line: `INFO ${message}`, message, level: "info", fields: {}, component: null, cursor: `c${ms}-${message}`, ...more });

/** @param {Store} store */
const messages = (store) => store.order.map((slot) => store.message[slot]);

/** A die that falls the same way each time. @param {number} seed */
function die(seed) {
  let x = seed || 1;
  return () => ((x ^= x << 13), (x ^= x >>> 17), (x ^= x << 5), (x >>> 0) / 2 ** 32);
}

test("merging keeps order and says where it begins to differ", () => {
  const random = die(5);
  for (let round = 0; round < 200; round++) {
    const make = (/** @type {number} */ n) => Array.from({ length: Math.floor(random() * n) }, () => Math.floor(random() * 50)).sort((a, b) => a - b);
    const [list, added] = [make(40), make(20)];
    const before = [...list];
    const from = merge(list, added, (a, b) => a - b);
    assert.deepEqual(list, [...before, ...added].sort((a, b) => a - b));
    assert.deepEqual(list.slice(0, from), before.slice(0, from));
  }
});

test("heights: sums and rows at an offset, whatever is set, appended, replaced or dropped", () => {
  const random = die(9);
  const heights = new Heights();
  /** @type {number[]} */
  let plain = [];
  for (let round = 0; round < 600; round++) {
    const what = random();
    if (what < 0.1) {
      const count = Math.floor((random() * plain.length) / 2);
      heights.drop(count);
      plain = plain.slice(count);
    } else if (what < 0.4) {
      const more = Array.from({ length: Math.floor(random() * 60) }, () => 1 + Math.floor(random() * 90));
      const at = plain.length;
      heights.replace(at, more.length, (i) => more[i - at]);
      plain.push(...more);
    } else if (what < 0.5 && plain.length) {
      const keep = Math.floor(random() * plain.length);
      const more = Array.from({ length: Math.floor(random() * 30) }, () => 1 + Math.floor(random() * 90));
      heights.replace(keep, more.length, (i) => more[i - keep]);
      plain = [...plain.slice(0, keep), ...more];
    } else if (plain.length) {
      const index = Math.floor(random() * plain.length);
      plain[index] = 1 + Math.floor(random() * 90);
      heights.set(index, plain[index]);
    }
    const total = plain.reduce((sum, each) => sum + each, 0);
    assert.equal(heights.total, total);
    const offset = Math.floor(random() * (total + 10));
    let sum = 0;
    let row = 0;
    while (row < plain.length - 1 && sum + plain[row] <= offset) sum += plain[row++];
    assert.equal(heights.at(offset), plain.length ? row : 0);
    if (plain.length) assert.equal(heights.before(row), sum);
  }
});

test("lines of several services lie in order of time, however they come", () => {
  const store = new Store();
  store.add("execution", [entry(NOW, "a"), entry(NOW + 20, "c")]);
  store.add("consensus", [entry(NOW - 5, "before"), entry(NOW + 10, "b")]);
  store.add("execution", [entry(NOW + 20, "c again", { cursor: "x" })]);
  assert.deepEqual(messages(store), ["before", "a", "b", "c", "c again"]);
});

test("a known cursor is passed over, and a continuation belongs to the line before", () => {
  const store = new Store();
  const first = [entry(NOW, "panic"), entry(NOW, "goroutine 1", { continuation: true, cursor: null, line: "goroutine 1" }), entry(NOW, "main.go", { continuation: true, line: "main.go" })];
  store.add("execution", first);
  store.add("execution", first);
  assert.equal(store.length, 1);
  assert.deepEqual(store.more[store.order[0]], ["goroutine 1", "main.go"]);
  assert.equal(store.text(store.order[0]), "INFO panic\ngoroutine 1\nmain.go");
});

test("earlier pages come before, and equal times keep their order", () => {
  const store = new Store();
  store.add("execution", [entry(NOW, "one"), entry(NOW, "two")]);
  store.add("execution", [entry(NOW, "minus one"), entry(NOW, "zero")], true);
  assert.deepEqual(messages(store), ["minus one", "zero", "one", "two"]);
});

test("the oldest are dropped, and nothing else is", () => {
  const store = new Store({ entries: 1_000 });
  const shown = new Shown(store);
  let last = 0;
  for (let batch = 0; batch < 50; batch++) {
    const added = store.add("execution", Array.from({ length: 100 }, () => entry(NOW + last, `line ${last++}`))).added;
    shown.added(added);
    shown.gone(store.trim());
    assert.ok(store.length <= 1_000);
    assert.deepEqual(shown.list, store.order);
    assert.equal(shown.counts[0], store.length);
  }
  assert.equal(store.message[store.order.at(-1) ?? -1], `line ${last - 1}`);
  assert.ok(store.has(`c${NOW + last - 1}-line ${last - 1}`) && !store.has(`c${NOW}-line 0`));
  const bytes = new Store({ bytes: 100_000 });
  for (let i = 0; i < 1_000; i++) {
    bytes.add("execution", [entry(NOW + i, "x".repeat(500))]);
    bytes.trim();
    assert.ok(bytes.bytes <= 101_500);
  }
});

test("lines that are too many bytes do not take all others with them", () => {
  const store = new Store({ bytes: 1_000_000 });
  store.add("execution", Array.from({ length: 100 }, (_, i) => entry(NOW + i, `${i} ${"x".repeat(9_000)}`)));
  const gone = store.trim();
  assert.ok(gone.length > 40 && gone.length < 75, String(gone.length));
  assert.ok(store.bytes <= 1_000_000);
  assert.match(messages(store).at(-1) ?? "", /^99 /);
});

test("a filter that is kept up to date shows what one made anew shows", () => {
  const random = die(3);
  for (let round = 0; round < 60; round++) {
    const store = new Store({ entries: 300 });
    const search = /** @type {any} */ (round % 3 === 0 ? compile("seven") : null);
    const filter = { services: round % 2 ? new Set(["a", "b"]) : null, level: round % 4 === 1 ? 4 : 0, search, only: round % 6 === 0 || round % 9 === 3 };
    const shown = new Shown(store);
    shown.set(filter);
    for (let step = 0; step < 30; step++) {
      const service = "abc"[Math.floor(random() * 3)];
      const level = ["info", "warn", "error", null][Math.floor(random() * 4)];
      const at = NOW + Math.floor(random() * 10_000);
      const lines = Array.from({ length: Math.floor(random() * 30) }, (_, i) => entry(at + i, random() < 0.3 ? "seven" : "eight", { level, cursor: `${step} ${i}` }));
      shown.added(store.add(service, lines).added);
      if (random() < 0.2) shown.added([store.addMark("", at * 1000, { kind: "gap", text: "gap" })]);
      shown.gone(store.trim());
    }
    const anew = new Shown(store);
    anew.set(filter);
    anew.step(Infinity);
    assert.deepEqual(shown.list, anew.list);
    assert.deepEqual(shown.hits, anew.hits);
    assert.deepEqual(shown.counts, anew.counts);
  }
});

test("words must all be there, in any case; patterns are patterns; a bad one says why", () => {
  const found = /** @type {any} */ (compile("  Timeout block "));
  assert.ok(matches(found, "BLOCK 7: timeout"));
  assert.ok(!matches(found, "block 7"));
  assert.deepEqual(hits(found, "timeout of a block, timeout"), [[0, 7], [13, 18], [20, 27]]);
  const pattern = /** @type {any} */ (compile("/b[lo]+ck\\s\\d/"));
  assert.ok(matches(pattern, "a BLOCK 7"));
  assert.deepEqual(hits(pattern, "block 1 block 2"), [[0, 7], [8, 15]]);
  assert.equal(compile(""), null);
  assert.match(/** @type {any} */ (compile("/(a/")).problem, /missing \) at 2/);
  assert.deepEqual(hits(/** @type {any} */ (compile("x")), "İx"), []);
});

test("what can't be seen is shown, and what is too long is cut", () => {
  assert.equal(visible("a\u202eb\u2066c\u200bd\u0007"), "a‹U+202E›b‹U+2066›c‹U+200B›d‹U+0007›");
  for (const each of ["\u034f", "\u17b5", "\u180d", "\u2800", "\ufe00", "\u{1d175}", "\u{e0041}", "\u{e01ef}"]) assert.match(visible(`a${each}b`), /^a‹U\+[0-9A-F]+›b$/);
  assert.equal(visible("päth → ⚠️ 日本 tab\there"), "päth → ⚠️ 日本 tab\there");
  const { text, rest } = cut("😀".repeat(3_000));
  assert.equal(rest, 2_000);
  assert.ok(!/[\ud800-\udbff]$/.test(text));
});

test("times are read and written in a zone", () => {
  const berlin = new Zone("Europe/Berlin");
  assert.equal(berlin.clock(NOW), "03:12:41");
  assert.equal(berlin.label(NOW), "Berlin, UTC+1");
  assert.equal(berlin.iso(NOW), "2026-11-26T03:12:41.600+01:00");
  assert.equal(new Zone("Asia/Kolkata").label(NOW), "Kolkata, UTC+5:30");
  assert.equal(new Zone("UTC").iso(NOW), "2026-11-26T02:12:41.600Z");
  const read = (/** @type {string} */ text) => {
    const found = readTime(text, NOW, berlin);
    return found === null ? null : new Date(found).toISOString().slice(0, 16);
  };
  assert.equal(read("02:50"), "2026-11-26T01:50");
  assert.equal(read("18:00"), "2026-11-25T17:00"); // the last one that has been
  assert.equal(read("-2h"), "2026-11-26T00:12");
  assert.equal(read("90 min ago"), "2026-11-26T00:42");
  assert.equal(read("25 Nov 18:00"), "2026-11-25T17:00");
  assert.equal(read("25 Nov, 18:00"), "2026-11-25T17:00");
  assert.equal(read("30 dec 10:00"), "2025-12-30T09:00");
  assert.equal(read("2026-03-29 03:30"), "2026-03-29T01:30"); // the clocks went forward that night
  assert.equal(read("yesterday 12:00"), "2026-11-25T11:00");
  assert.equal(read("2026-11-25T18:00:00Z"), "2026-11-25T18:00");
  for (const bad of ["", "sometime", "25:99x", "99 foo", "slot 5"]) assert.equal(read(bad), null, bad);
});

test("micros and iso are each other's way back", () => {
  for (const text of ["2026-11-26T02:12:41.600123Z", "1999-12-31T23:59:59.999999Z", "2026-11-26T02:12:41.000000Z"]) assert.equal(iso(micros(text)), text);
  assert.ok(Number.isNaN(micros(null)));
});

test("a slot fits one network only", () => {
  for (const network of NETWORKS) {
    const slot = slotAt(network, NOW);
    assert.equal(networkOf(slot, NOW)?.name, network.name);
    assert.ok(slotStart(network, slot) <= NOW && NOW < slotStart(network, slot + 1));
  }
  assert.equal(networkOf(12, NOW), null);
});

/** @param {string} name @param {Record<string, unknown>} status @param {number} [now] */
function service(name, status, now = NOW) {
  const made = new Service(name, 0);
  made.update(/** @type {any} */ ({ service: name, since: iso((NOW - 9 * 24 * HOUR) * 1000), client: "Geth", restarts: 0, enabled: true, ...status }), now);
  return made;
}

test("states have a shape and a word", () => {
  const of = (/** @type {Record<string, unknown>} */ status) => Object.values(stateOf(service("x", status), NOW)).join(" ");
  assert.equal(of({ status: "active" }), "running running");
  assert.equal(of({ status: "activating" }), "starting starting");
  assert.equal(of({ status: "reloading" }), "starting reloading");
  assert.equal(of({ status: "deactivating" }), "starting stopping");
  assert.equal(of({ status: "failed" }), "failed failed");
  assert.equal(of({ status: "inactive" }), "stopped stopped");
  assert.equal(of({ status: "not_installed" }), "stopped removed");
  assert.equal(of({ status: "unknown" }), "unknown unknown");
  assert.equal(of({ status: "something new" }), "unknown unknown");
  assert.equal(facts(service("x", { status: "active", memory_bytes: 7_910_000_000 }), NOW), "Geth · 9 d · 7.9 GB");
  assert.equal(facts(service("x", { status: "inactive", enabled: false }), NOW), "Geth · switched off");
  assert.equal(why(service("x", { status: "failed", exit_status: 1, restarts: 5 }), NOW), "Exit status 1 after 5 restarts");
});

test("a restart loop is seen from the updates alone", () => {
  const one = service("validator", { status: "active" });
  for (let i = 1; i <= 4; i++) {
    const at = NOW + i * 20_000;
    one.update(/** @type {any} */ ({ service: "validator", status: "activating", sub_state: "auto-restart", restarts: i, since: iso(at * 1000), exit_status: 1 }), at);
  }
  const end = NOW + 81_000;
  assert.equal(stateOf(one, end).shape, "loop");
  assert.equal(why(one, end), "4 restarts in 1 min, exit status 1");
  assert.equal(stateOf(one, end + 20 * 60_000).shape, "starting");
});

test("failing comes first, then the node's order", () => {
  const all = ["a", "b", "c"].map((name, i) => Object.assign(service(name, { status: name === "b" ? "failed" : "active" }), { order: i }));
  assert.deepEqual(sorted(all, NOW).map((each) => each.name), ["b", "a", "c"]);
});

/** @param {Record<string, unknown>} [more] */
function situation(more = {}) {
  const link = { page: "up", node: "connected", since: NOW - 261_000 };
  return /** @type {any} */ ({ token: true, link, services: [service("execution", { status: "active" }), service("consensus", { status: "active" })], known: true, lastError: NaN, errorsInHour: 0, flood: null, silent: null, clock, now: NOW, ...more });
}

test("the verdict says the worst thing first", () => {
  const say = (/** @type {Record<string, unknown>} */ more) => verdict(situation(more)).words;
  const link = (/** @type {Record<string, unknown>} */ more) => ({ link: { page: "up", node: "connected", since: NOW - 261_000, ...more } });
  const failed = service("execution", { status: "failed", since: iso((NOW - 299_000) * 1000) });
  assert.equal(say({}), "All two services are running.");
  assert.equal(say({ token: false, services: [failed] }), "Paste the session’s token to look at its node.");
  assert.equal(say({ ...link({ page: "ended" }), services: [failed] }), "This session has ended. Nothing below is up to date.");
  assert.equal(say(link({ page: "refused", problem: { message: "The node refused the password." } })), "The node refused the password.");
  assert.equal(say(link({ page: "down" })), "This page has no connection to its server.");
  assert.equal(say(link({ node: "lost" })), "This server has stopped trying to reach the node.");
  const away = verdict(situation(link({ node: "reconnecting", attempt: 8, retryAt: NOW + 12_000 })));
  assert.equal(away.words, "The node has been out of reach for 4 min 21 s.");
  assert.match(away.aside, /^Try 8 in 12 s\. Check that the node is up/);
  assert.equal(say({ services: [failed] }), "execution has failed and is not being restarted.");
  assert.equal(verdict(situation({ services: [failed] })).aside, `Since ${clock(NOW - 299_000)}, 4 min ago`);
  assert.equal(say({ services: [failed, service("validator", { status: "failed" })] }), "execution and validator have failed.");
  assert.equal(say({ services: [] }), "This node has no Ethereum services yet.");
  assert.equal(say({ flood: { service: "consensus", rate: 2_140, usual: null } }), "consensus prints 2,140 lines a second.");
  for (const [usual, words] of /** @type {[[number, number] | null, string][]} */ ([[null, "Is"], [[1, 3], "Usually 1 to 3. Is"], [[2, 2], "Usually 2. Is"], [[0, 1], "Usually up to 1. Is"]]))
    assert.equal(verdict(situation({ flood: { service: "consensus", rate: 2_140, usual } })).aside, `${words} debug logging on?`);
  assert.equal(say({ silent: { service: "consensus", since: NOW - 240_000, usual: 2 } }), "consensus has printed nothing for 4 min.");
  assert.equal(say({ services: [service("a", { status: "active" }), service("dora", { status: "inactive", enabled: false })] }), "a is running.");
});

test("advice quotes the phrase that it goes by, and puts no strange name into a command", () => {
  const steps = advice("execution", ["WARN low", "Fatal: write /var/lib/geth: no space left on device"], "exit-code");
  assert.equal(steps[0].says, "“no space left on device”: the disk is full.");
  assert.deepEqual(steps.flatMap((each) => each.commands), ["df -h", "sudo systemctl restart execution", "journalctl -u execution -n 200"]);
  assert.deepEqual(advice("x", ["open /var/lib/x/keys: permission denied"], null)[0].commands, ["sudo ls -l /var/lib/x/keys"]);
  assert.equal(advice("x", [], "oom-kill")[0].commands[0], "free -h");
  assert.deepEqual(advice("x;rm -rf ~", ["no idea"], null), []);
  assert.ok(isBad("Fatal: no") && isBad("ERROR[11-26] x") && isBad("CRIT Failed") && isBad("panic: x") && !isBad("INFO no error here"));
});

test("marks are read from systemd's own lines only", () => {
  assert.equal(marks.ofManager("execution", { line: "", component: "execution.service", message: "Scheduled restart job, restart counter is at 2." })?.kind, "restart");
  assert.equal(marks.ofManager("execution", { line: "", component: "execution.service", message: "Start request repeated too quickly." })?.kind, "failed");
  assert.equal(marks.ofManager("execution", { line: "", component: "peers", message: "Scheduled restart job, restart counter is at 2." }), null);
  assert.equal(marks.gap({ reason: "vacuumed", from: iso((NOW - 2_000) * 1000), to: iso(NOW * 1000) }, clock).text, `2 s are missing, ${clock(NOW - 2_000)} to ${clock(NOW)}`);
  assert.equal(marks.gap({ reason: "slow", skipped: 1204 }, clock).text, "1,204 lines were skipped");
});

test("today has each thing once, and a run of errors is one", () => {
  const today = new Today();
  for (let i = 0; i < 33; i++) today.error("consensus", NOW + i * 1_000, false, "no");
  today.add({ key: "failed", at: NOW + 5_000, kind: "failed", service: "execution", text: "execution failed" });
  today.add({ key: "failed", at: NOW + 5_000, kind: "failed", service: "execution", text: "execution failed" });
  today.error("consensus", NOW + HOUR, true, "panic");
  assert.deepEqual(today.list.map(words), ["consensus: panic", "execution failed", "consensus: 33 errors"]);
});

test("a link has what is looked at, and never the token", () => {
  const wanted = { at: "s=1;i=2", show: ["execution", "validator"], level: "warn", find: "time out & more" };
  assert.deepEqual(place.read(place.write(wanted)), wanted);
  assert.deepEqual(place.takeToken("#token=abc&level=warn"), { token: "abc", rest: "#level=warn" });
  assert.deepEqual(place.read("#at=<script>&level=loud&slot=x&time=-5&find="), {});
});

test("buckets count what is added and move on", () => {
  const store = new Store();
  const buckets = new Buckets(NOW - HOUR, NOW);
  const { added } = store.add("a", [entry(NOW - 1_000, "x"), entry(NOW - 2_000, "y", { level: "error" }), entry(NOW - 3 * HOUR, "z")]);
  buckets.add(store, added, () => true);
  assert.deepEqual(buckets.list.at(-1), { lines: 2, warn: 0, error: 1 });
  buckets.advance(NOW + 30_000);
  assert.deepEqual(buckets.list.at(-2), { lines: 2, warn: 0, error: 1 });
  buckets.take([[buckets.from, 5, 1, 1]]);
  assert.deepEqual(buckets.list[0], { lines: 5, warn: 1, error: 1 });
});

test("live: what comes is in the store, and what goes is told", () => {
  let time = NOW;
  const live = new Live(() => {}, () => time);
  const seen = /** @type {number[]} */ ([]);
  live.onLines = (added) => seen.push(...added);
  live.state({ page: "up", node: "connected", since: time });
  live.status([{ service: "execution", status: "active", since: iso(NOW * 1000), restarts: 0 }]);
  live.entries("execution", [entry(NOW, "x"), entry(NOW + 1, "y", { level: "error" })]);
  live.work(Infinity);
  assert.equal(seen.length, 2);
  assert.equal(live.lastError, NOW + 1);
  time += 10_000;
  live.state({ page: "up", node: "reconnecting", since: time });
  time += 8_000;
  live.state({ page: "up", node: "connected", since: time });
  const marked = live.store.order.flatMap((slot) => live.store.mark[slot]?.text ?? []);
  assert.deepEqual(marked.map((text) => text.replace(/\d\d:\d\d:\d\d/, "T")), ["No connection to the node since T", "The connection to the node came back after 8 s"]);
  time += 16_000;
  live.tick();
  assert.equal(live.services.get("execution")?.status.status, "unknown");
  live.error({ code: "permission_denied", message: "No.", service: "execution", hint: "Do this." });
  assert.equal(live.problems.get("execution")?.hint, "Do this.");
  assert.ok(live.today.list.some((each) => each.kind === "problem"));
});
