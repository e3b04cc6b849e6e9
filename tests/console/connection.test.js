import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../ethpillar/console/wire/connection.js";
import { read } from "../../ethpillar/console/wire/packets.js";
import { delay } from "../../ethpillar/console/wire/refusals.js";
import { FakeClock, FakeServer, settled } from "./fakes.js";

function world() {
  const time = new FakeClock();
  const server = new FakeServer();
  /** @type {any[]} */
  const told = [];
  /** @type {any} */
  const listener = Object.fromEntries(
    ["state", "entries", "logState", "status", "error"].map((name) => [name, (/** @type {any[]} */ ...args) => told.push([name, ...args])]),
  );
  const connection = new Connection(server.open, "the-token", listener, time, () => 1);
  connection.start();
  const states = () => told.filter(([name]) => name === "state").map(([, state]) => `${state.page} ${state.node}`);
  return { time, server, told, connection, states };
}

const entry = (/** @type {string} */ line, /** @type {string | null} */ cursor) => ({ line, cursor, message: line });

test("the token is shown at connect, and pings are answered", () => {
  const { server, states } = world();
  server.last.welcome();
  assert.equal(server.last.sent[0], '40{"token":"the-token"}');
  server.last.say("2");
  assert.equal(server.last.sent.at(-1), "3");
  assert.deepEqual(states(), ["connecting unknown", "up connected", "up connected"]);
  assert.deepEqual(server.last.asked("subscribe_status")[0].payload, { interval: 5000 });
});

test("each log is resumed after its last cursor on the next socket", async () => {
  const { server, connection, time, told } = world();
  connection.follow("execution");
  server.last.welcome();
  assert.deepEqual(server.last.asked("subscribe_logs")[0].payload, { service: "execution", batch: true, lines: 500 });
  server.last.event("log_batch", { service: "execution", entries: [entry("a", "c1"), entry("b", "c2"), entry("head of a pair", null)] });
  server.last.onclose?.({});
  await settled();
  time.pass(1_000);
  server.last.welcome();
  assert.equal(server.sockets.length, 2);
  assert.deepEqual(server.last.asked("subscribe_logs")[0].payload, { service: "execution", batch: true, after: "c2" });
  server.last.event("log_batch", { service: "execution", entries: [entry("c", "c3")] });
  assert.deepEqual(told.filter(([name]) => name === "entries").map(([, , , resumed]) => resumed), [false, true]);
});

test("logs that are met together are one subscription, merged by the server", async () => {
  const { server, connection, time, told } = world();
  server.last.welcome();
  for (const service of ["execution", "consensus", "validator"]) connection.follow(service);
  await settled();
  const services = ["execution", "consensus", "validator"];
  assert.deepEqual(server.last.asked("subscribe_logs").map((each) => each.payload), [{ services, batch: true, lines: 500, after: {} }]);
  const of = (/** @type {string} */ service, /** @type {string} */ line, /** @type {string | null} */ cursor) => ({ ...entry(line, cursor), service });
  server.last.event("log_batch", { services, entries: [of("execution", "a", "e1"), of("consensus", "b", "c1"), of("execution", "c", "e2"), of("stranger", "d", "s1")] });
  const heard = told.filter(([name]) => name === "entries").map(([, service, entries, resumed]) => [service, entries.map((/** @type {any} */ each) => each.line).join(""), resumed]);
  assert.deepEqual(heard, [["execution", "ac", false], ["consensus", "b", false]]);
  connection.follow("dora");
  await settled();
  assert.deepEqual(server.last.asked("subscribe_logs")[1].payload, { service: "dora", batch: true, lines: 500 });
  server.last.onclose?.({});
  time.pass(1_000);
  server.last.welcome();
  assert.deepEqual(server.last.asked("subscribe_logs")[0].payload, { services: [...services, "dora"], batch: true, lines: 500, after: { execution: "e2", consensus: "c1" } });
});

test("what stands against one of several is tried again by itself, once", async () => {
  const { server, connection, time } = world();
  server.last.welcome();
  for (const service of ["execution", "consensus"]) connection.follow(service);
  await settled();
  const [{ id }] = server.last.asked("subscribe_logs");
  server.last.event("error", { message: "no such unit", code: "unit_not_found", service: "consensus" });
  server.last.event("log_state", { service: "consensus", state: "ended", reason: "unit_not_found" });
  server.last.ack(id, { ok: true });
  await settled();
  server.last.event("error", { message: "elsewhere", code: "log_elsewhere", service: "execution" });
  server.last.say("2");
  for (let i = 0; i < 12; i++) time.pass(5_000), server.last.say("2");
  assert.deepEqual(server.last.asked("subscribe_logs").slice(1).map((each) => each.payload), [{ service: "consensus", batch: true, lines: 500 }]);
});

test("one cursor that is none among several costs that log alone its place", async () => {
  const { server, connection, time } = world();
  for (const service of ["execution", "consensus"]) connection.follow(service);
  server.last.welcome();
  for (const service of ["execution", "consensus"]) server.last.event("log_batch", { service, entries: [entry("a", `${service}-1`)] });
  server.last.onclose?.({});
  time.pass(1_000);
  server.last.welcome();
  server.last.ack(server.last.asked("subscribe_logs")[0].id, { ok: false, error: { code: "bad_request", message: "no cursor" } });
  await settled();
  const [, first, second] = server.last.asked("subscribe_logs");
  assert.deepEqual([first.payload.after, second.payload.after], ["execution-1", "consensus-1"]);
  server.last.ack(first.id, { ok: false, error: { code: "bad_request", message: "no cursor" } });
  server.last.ack(second.id, { ok: true });
  await settled();
  assert.deepEqual(server.last.asked("subscribe_logs").slice(3).map((each) => each.payload), [{ service: "execution", batch: true, lines: 500 }]);
});

test("a cursor that the node does not know is given up for a backlog", async () => {
  const { server, connection, time } = world();
  connection.follow("execution");
  server.last.welcome();
  server.last.event("log_batch", { service: "execution", entries: [entry("a", "c1")] });
  server.last.onclose?.({});
  time.pass(1_000);
  server.last.welcome();
  server.last.ack(server.last.asked("subscribe_logs")[0].id, { ok: false, error: { code: "bad_request", message: "no such cursor" } });
  await settled();
  assert.deepEqual(server.last.asked("subscribe_logs")[1].payload, { service: "execution", batch: true, lines: 500 });
});

test("it waits longer each time, never for more than 30 s, and a good login counts anew", () => {
  const { server, time, connection } = world();
  for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    server.last.onclose?.({});
    assert.equal(connection.state.page, "down");
    assert.equal((connection.state.retryAt ?? 0) - time.now(), wait);
    const before = server.sockets.length;
    time.pass(wait - 1);
    assert.equal(server.sockets.length, before);
    time.pass(1);
    assert.equal(server.sockets.length, before + 1);
  }
  server.last.welcome();
  server.last.onclose?.({});
  assert.equal((connection.state.retryAt ?? 0) - time.now(), 1_000);
  assert.ok(delay(3, () => 0) >= 4_000 && delay(3, () => 0) < delay(3, () => 0.5));
});

test("a server that has fallen silent is left after 40 s", () => {
  const { server, time, connection } = world();
  server.last.welcome();
  time.pass(39_000);
  assert.equal(connection.state.page, "up");
  server.last.say("2");
  time.pass(39_000);
  assert.equal(connection.state.page, "up");
  time.pass(2_000);
  assert.equal(connection.state.page, "down");
});

test("after sleep a live socket is asked, and a dead one is replaced", async () => {
  const { server, time, connection } = world();
  server.last.welcome();
  const before = server.last.asked("subscribe_status").length;
  time.sleep(20_000);
  const probe = server.last.asked("subscribe_status").at(-1);
  assert.equal(server.last.asked("subscribe_status").length, before + 1);
  server.last.ack(probe?.id ?? "", { ok: true });
  await settled();
  time.pass(6_000);
  assert.equal(connection.state.page, "up");
  time.sleep(20_000);
  time.pass(6_000);
  await settled();
  assert.equal(connection.state.page, "down");
  time.pass(1_000);
  assert.equal(server.sockets.length, 2);
});

test("a long sleep ends the socket at once", () => {
  const { server, time, connection } = world();
  server.last.welcome();
  time.sleep(600_000);
  assert.equal(connection.state.page, "down");
});

test("an expired session is the end, and nothing is tried again", () => {
  for (const end of [
    (/** @type {any} */ socket) => socket.say('44{"message":"Authentication error: Invalid or expired session."}'),
    (/** @type {any} */ socket) => socket.say('44{"message":"Gone.","data":{"code":"session_expired"}}'),
    (/** @type {any} */ socket) => socket.event("error", { message: "Your session has ended.", code: "session_expired" }),
  ]) {
    const { server, time, connection } = world();
    server.last.say('0{"pingInterval":10000,"pingTimeout":30000}');
    end(server.last);
    assert.equal(connection.state.page, "ended");
    time.pass(600_000);
    assert.equal(server.sockets.length, 1);
    assert.equal(server.last.closed, true);
  }
});

test("a login that was refused for good shows the server's sentence and hint", () => {
  const { server, time, connection } = world();
  server.last.say('0{"pingInterval":10000,"pingTimeout":30000}');
  server.last.say('44{"message":"The node refused the password.","data":{"code":"ssh_auth_failed","hint":"Sign in again."}}');
  assert.equal(connection.state.page, "refused");
  assert.deepEqual(connection.state.problem, { message: "The node refused the password.", code: "ssh_auth_failed", hint: "Sign in again." });
  time.pass(600_000);
  assert.equal(server.sockets.length, 1);
});

test("Redis that is down is tried again; a node that is given up waits for somebody to ask", () => {
  const { server, time, connection } = world();
  server.last.say('44{"message":"Authentication error: Server error during validation."}');
  assert.equal(connection.state.page, "down");
  time.pass(1_000);
  assert.equal(server.sockets.length, 2);
  server.last.welcome();
  server.last.event("connection_state", { state: "lost" });
  server.last.onclose?.({});
  time.pass(600_000);
  assert.equal(connection.state.node, "lost");
  assert.equal(server.sockets.length, 2);
  connection.tryNow();
  connection.tryNow();
  assert.equal(server.sockets.length, 3);
  server.last.welcome();
  assert.equal(connection.state.node, "connected");
});

test("a node that is away says when it is tried, and trying now asks at most every 2 s", () => {
  const { server, time, connection } = world();
  server.last.welcome();
  server.last.event("connection_state", { state: "reconnecting", attempt: 8, retry_in: 12 });
  assert.equal(connection.state.retryAt, time.now() + 12_000);
  connection.tryNow();
  connection.tryNow();
  time.pass(2_000);
  connection.tryNow();
  assert.equal(server.last.asked("authenticate").length, 2);
});

test("a node that is away is back when the server says so, not when the session is known again", () => {
  const { server, connection } = world();
  server.last.welcome();
  server.last.event("connection_state", { state: "reconnecting", attempt: 1 });
  server.last.event("authenticated");
  assert.equal(connection.state.node, "reconnecting");
  server.last.event("connection_state", { state: "connected" });
  assert.equal(connection.state.node, "connected");
});

test("asking fails with the server's code, a timeout, or the end of the socket", async () => {
  const { server, time, connection } = world();
  server.last.welcome();
  const refused = connection.ask("read_logs", {});
  server.last.ack(server.last.asked("read_logs")[0].id, { ok: false, error: { code: "limit_reached", message: "Too many." } });
  await assert.rejects(refused, { code: "limit_reached" });
  const late = connection.ask("read_logs", {}, 1_000);
  late.catch(() => {});
  time.pass(1_000);
  await assert.rejects(late, { code: "timeout" });
  const cut = connection.ask("read_logs", {});
  cut.catch(() => {});
  server.last.onclose?.({});
  await assert.rejects(cut, { code: "closed" });
});

test("what makes no sense is passed over", () => {
  for (const text of ["", "9", "4", "42", "42{", "4299", "43[1]", "40", "0", "44", "42[1]", "451-[]", "b4abc", "43999999[1]"]) {
    assert.ok(read(text).type);
    const { server, connection } = world();
    server.last.welcome();
    server.last.say(text);
    if (text !== "44") assert.equal(connection.state.page, "up", text);
  }
});
