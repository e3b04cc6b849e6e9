import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRealtime, type LogView, type Realtime } from "../src/core.js";
import { FakeServer } from "./fake.js";

const TOKEN = "6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10";
let server: FakeServer;
let store: Realtime;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  store = createRealtime("http://server", { token: TOKEN, io: server.io });
});
afterEach(() => {
  store.close();
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const look = (): (() => void) => store.connection.subscribe(() => {});
const raws = (view: LogView): string[] => view.get().logs.map(({ raw }) => raw);
const follow = (service = "execution", maxLines?: number): LogView => {
  const view = store.logs(service, maxLines);
  view.subscribe(() => {});
  return view;
};
const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `line ${from + at}`);

describe("the connection", () => {
  it("is not made before somebody looks", async () => {
    store.logs("execution");
    store.status();
    await pass(5000);
    expect(server.sockets).toHaveLength(0);
    expect(store.connection.get().phase).toBe("idle");
  });

  it("is made as the server wants it, and shows the token twice", async () => {
    look();
    await pass(100);
    expect(server.socket.url).toBe("http://server");
    expect(server.socket.options).toMatchObject({
      path: "/",
      addTrailingSlash: false,
      transports: ["websocket", "polling"],
      withCredentials: true,
      forceNew: true,
    });
    expect(server.socket.auth).toEqual({ token: TOKEN });
    expect(server.socket.events("authenticate")).toEqual([TOKEN]);
    expect(store.connection.get()).toMatchObject({ isConnected: true, isAuthenticated: true, problem: null });
  });

  it("is one for ten that look, and ends a second after the last", async () => {
    const stops = Array.from({ length: 10 }, (_, at) => (at % 2 ? look() : store.logs(`unit${at}`).subscribe(() => {})));
    await pass(100);
    expect(server.sockets).toHaveLength(1);
    for (const stop of stops) stop();
    for (const stop of stops) stop(); // twice does no harm
    await pass(900);
    expect(server.socket.connected).toBe(true);
    await pass(200);
    expect(server.socket.connected).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("survives somebody who leaves and comes back at once", async () => {
    look()();
    look()();
    look();
    await pass(5000);
    expect(server.socket.attempts).toHaveLength(1);
    expect(store.connection.get().isAuthenticated).toBe(true);
  });

  it("tries for ever, with growing and varied pauses up to 30 s", async () => {
    server.onConnect = () => "away";
    look();
    await pass(3_600_000);
    const { attempts } = server.socket;
    const pauses = attempts.slice(1).map((at, n) => at - (attempts[n] as number));
    expect(pauses[0]).toBeLessThan(1000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_001);
    expect(Math.min(...pauses.slice(10))).toBeGreaterThanOrEqual(15_000);
    expect(new Set(pauses.slice(10)).size).toBeGreaterThan(50);
    expect(store.connection.get()).toMatchObject({ isConnected: false, problem: { code: "server_unreachable" } });
    expect(store.connection.get().retryAt).toBeGreaterThan(Date.now() - 1);
    server.onConnect = () => "ok";
    await pass(31_000);
    expect(store.connection.get()).toMatchObject({ isAuthenticated: true, problem: null, retryAt: null });
  });

  it("does not spin when a server lets it in and drops it", async () => {
    look();
    for (let second = 0; second < 60; second += 1) {
      server.cut();
      await pass(1000);
    }
    expect(server.socket.attempts.length).toBeLessThan(12);
  });

  it("comes back after the server has disconnected it", async () => {
    look();
    await pass(100);
    server.socket.receive("error", { message: "The node can't be reached over SSH.", code: "ssh_unreachable" });
    await pass(10);
    server.kick();
    await pass(50);
    expect(store.connection.get()).toMatchObject({ isConnected: false, problem: { code: "ssh_unreachable" } });
    await pass(2000);
    expect(store.connection.get().isAuthenticated).toBe(true);
  });

  it("comes back at once when the network does", async () => {
    const listeners = new Map<string, () => void>();
    vi.stubGlobal("addEventListener", (name: string, act: () => void) => listeners.set(name, act));
    vi.stubGlobal("removeEventListener", (name: string) => listeners.delete(name));
    server.onConnect = () => "away";
    const stop = look();
    await pass(300_000);
    server.onConnect = () => "ok";
    listeners.get("online")?.();
    await pass(50);
    expect(store.connection.get().isAuthenticated).toBe(true);
    stop();
    await pass(2000);
    expect(listeners.size).toBe(0);
    vi.unstubAllGlobals();
  });

  it("is dropped when the server answers nothing", async () => {
    server.onLogin = () => {};
    look();
    await pass(60_500);
    expect(store.connection.get().problem).toMatchObject({ code: "timeout" });
    await pass(60_000);
    expect(server.socket.attempts.length).toBe(2);
  });
});

describe("a session", () => {
  it("that has ended stops everything, and says so", async () => {
    look();
    const view = follow();
    const states = store.status();
    states.subscribe(() => {});
    await pass(100);
    server.socket.receive("error", { message: "Your session has ended. Please sign in again.", code: "session_expired" });
    await pass(10);
    await pass(600_000);
    expect(server.socket.attempts).toHaveLength(1);
    const ended = { code: "session_expired", message: "Your session has ended. Please sign in again." };
    expect(store.connection.get()).toMatchObject({ phase: "stopped", isConnected: false, problem: ended });
    expect(view.get()).toMatchObject({ problem: ended, isLoading: false, isLive: false });
    expect(states.get()).toMatchObject({ problem: ended, statuses: { execution: "unknown" } });
  });

  it.each(["ssh_auth_failed", "host_key_changed", "ssh_bad_key", "ssh_second_factor", "ssh_password_expired"])(
    "that the node refuses with %s stops, by event",
    async (code) => {
      server.onLogin = (socket, _token, ack) => {
        socket.receive("error", { message: "No.", code, hint: "Do this." });
        ack(false);
      };
      look();
      await pass(120_000);
      expect(server.socket.attempts).toHaveLength(1);
      expect(server.socket.connected).toBe(false);
      expect(store.connection.get().problem).toEqual({ message: "No.", code, hint: "Do this." });
    },
  );

  it("that the node refuses stops, by connect_error", async () => {
    server.onConnect = () => ({ message: "The node refused it.", data: { code: "ssh_auth_failed", hint: "Do this." } });
    look();
    await pass(120_000);
    expect(server.socket.attempts).toHaveLength(1);
    expect(store.connection.get().problem).toEqual({ message: "The node refused it.", code: "ssh_auth_failed", hint: "Do this." });
  });

  it("that is unknown is shown four times, with pauses, and told from the first", async () => {
    server.onConnect = () => ({ message: "Authentication error: Invalid or expired session." });
    look();
    await pass(100);
    expect(store.connection.get().problem?.message).toBe("Authentication error: Invalid or expired session.");
    await pass(600_000);
    expect(server.socket.attempts).toHaveLength(4);
    expect(store.connection.get().phase).toBe("stopped");
  });

  it("that was refused for another reason is tried again, on the same socket, with growing pauses", async () => {
    let refusals = 0;
    server.onLogin = (socket, _token, ack) => {
      if ((refusals += 1) > 5) {
        socket.receive("authenticated");
        ack(true);
        return;
      }
      socket.receive("error", { message: "The node can't be reached over SSH.", code: "ssh_unreachable" });
      ack(false);
    };
    look();
    await pass(500);
    expect(store.connection.get()).toMatchObject({ isConnected: true, isAuthenticated: false, problem: { code: "ssh_unreachable" } });
    await pass(120_000);
    expect(server.socket.attempts).toHaveLength(1);
    const times = server.socket.sent.filter(({ event }) => event === "authenticate").map(({ at }) => at);
    expect(times).toHaveLength(6);
    times.slice(2).forEach((at, n) => expect(at - (times[n + 1] as number)).toBeGreaterThanOrEqual(1000 * 2 ** n));
    expect(store.connection.get()).toMatchObject({ isAuthenticated: true, problem: null });
  });

  it("that a server without codes refuses is not tried in a hurry", async () => {
    server.typescript = true;
    server.onLogin = (socket, _token, ack) => {
      socket.receive("error", { message: "All configured authentication methods failed" });
      ack(false);
    };
    look();
    await pass(20_000);
    expect(server.socket.sent.length).toBeLessThanOrEqual(6);
    expect(server.socket.sent.length).toBeGreaterThanOrEqual(3);
    expect(store.connection.get().problem?.message).toBe("All configured authentication methods failed");
  });

  it("is taken up as soon as there is another token", async () => {
    let token: string | null = null;
    store = createRealtime("http://server", { token: () => token, io: server.io });
    look();
    await pass(3000);
    expect(server.sockets).toHaveLength(0);
    expect(store.connection.get().problem?.code).toBe("no_session");
    token = "first";
    await pass(1100);
    expect(store.connection.get().isAuthenticated).toBe(true);
    server.socket.receive("error", { message: "Over.", code: "session_expired" });
    await pass(5000);
    expect(store.connection.get().phase).toBe("stopped");
    token = "second";
    await pass(1100);
    expect(store.connection.get()).toMatchObject({ isAuthenticated: true, problem: null });
    expect(server.socket.auth).toEqual({ token: "second" });
  });

  it("goes on when its cookie has ended, as long as the server knows it", async () => {
    let token: string | null = "first";
    store = createRealtime("http://server", { token: () => token, io: server.io });
    look();
    await pass(100);
    token = null;
    server.cut();
    await pass(3000);
    expect(store.connection.get().isAuthenticated).toBe(true);
  });

  it("is tried again by hand", async () => {
    server.onConnect = () => ({ message: "No.", data: { code: "ssh_auth_failed" } });
    look();
    await pass(5000);
    server.onConnect = () => "ok";
    store.reconnect();
    await pass(100);
    expect(store.connection.get()).toMatchObject({ isAuthenticated: true, problem: null });
  });

  it("that the server has forgotten is shown again, not at once", async () => {
    look();
    await pass(100);
    server.socket.receive("error", { message: "Not authenticated.", code: "not_authenticated" });
    await pass(30);
    expect(server.socket.events("authenticate")).toHaveLength(1);
    expect(store.connection.get()).toMatchObject({ isConnected: false, isAuthenticated: false });
    await pass(2000);
    expect(server.socket.events("authenticate")).toHaveLength(2);
    expect(store.connection.get().isAuthenticated).toBe(true);
  });
});

describe("a log", () => {
  it("is subscribed after the login, in batches, with as much backlog as is kept", async () => {
    const release: (() => void)[] = [];
    server.onLogin = (socket, _token, ack) => void release.push(() => (socket.receive("authenticated"), ack(true)));
    server.print("execution", "a");
    const view = follow("execution", 300);
    await pass(2000);
    expect(server.socket.events("subscribe_logs")).toEqual([]);
    expect(view.get()).toMatchObject({ isLoading: true, logs: [] });
    release[0]?.();
    await pass(100);
    expect(server.socket.events("subscribe_logs")).toEqual([{ service: "execution", batch: true, lines: 300 }]);
    expect(view.get()).toMatchObject({ isLoading: false, isLive: true, state: "live" });
    expect(view.get().logs[0]).toEqual({
      id: expect.any(Number),
      service: "execution",
      raw: "a",
      message: "a",
      level: "info",
      timestamp: "2026-11-26T07:00:00.000001Z",
      cursor: "s=1;i=1",
    });
  });

  it("is subscribed once for many, with and without .service", async () => {
    follow("execution");
    follow("execution.service");
    follow("execution", 500);
    await pass(100);
    expect(server.socket.events("subscribe_logs")).toHaveLength(1);
  });

  it("without lines ends its loading by the ack", async () => {
    server.onOther = (_socket, event, _args, ack) => {
      if (event === "subscribe_logs") ack?.({ ok: true });
      return event === "subscribe_logs";
    };
    const view = follow();
    await pass(100);
    expect(view.get().isLoading).toBe(true);
    await pass(400);
    expect(view.get()).toMatchObject({ isLoading: false, logs: [] });
  });

  it("without lines ends its loading by an empty line, which is none", async () => {
    server.onOther = (socket, event) => {
      if (event === "subscribe_logs") socket.receive("log_data", { service: "execution", line: "" });
      return event === "subscribe_logs";
    };
    const view = follow();
    await pass(100);
    expect(view.get()).toMatchObject({ isLoading: false, logs: [] });
  });

  it("of a server that never answers ends its loading after 10 s", async () => {
    server.typescript = true;
    const view = follow();
    await pass(9000);
    expect(view.get().isLoading).toBe(true);
    await pass(2000);
    expect(view.get().isLoading).toBe(false);
  });

  it("goes on after a reconnect where it was", async () => {
    for (const line of numbered(0, 80)) server.print("execution", line);
    const view = follow();
    await pass(200);
    expect(raws(view)).toEqual(numbered(0, 80));
    const first = view.get().logs[0];
    server.cut();
    await pass(50);
    expect(raws(view)).toEqual(numbered(0, 80));
    expect(view.get()).toMatchObject({ isLoading: false, isLive: false, state: "offline" });
    for (const line of numbered(80, 90)) server.print("execution", line);
    await pass(3000);
    expect(server.socket.events("subscribe_logs")[1]).toEqual({ service: "execution", batch: true, after: "s=1;i=80" });
    expect(raws(view)).toEqual(numbered(0, 90));
    expect(view.get().logs[0]).toBe(first);
  });

  it("does not repeat the half of an entry of several lines", async () => {
    server.batch = 1;
    const view = follow();
    await pass(200);
    server.print("execution", "panic", "  at a", "  at b");
    server.socket.drop("transport close"); // nothing came yet
    await pass(2000);
    server.onOther = (socket, event) => {
      if (event !== "subscribe_logs") return false;
      const half = { timestamp: "", level: "info", message: "", cursor: null } as const;
      socket.receive("log_data", { service: "execution", line: "two", ...half });
      return true;
    };
    server.socket.drop("transport close"); // now only one of two lines comes
    await pass(2000);
    server.onOther = () => false;
    server.print("execution", "two", "lines");
    server.socket.drop("transport close");
    await pass(2000);
    expect(raws(view)).toEqual(["panic", "  at a", "  at b", "two", "lines"]);
  });

  it("that was empty gets all that came while it was away", async () => {
    const view = follow();
    await pass(1000);
    server.cut();
    for (const line of numbered(0, 120)) server.print("execution", line);
    await pass(3000);
    expect(raws(view)).toEqual(numbered(0, 120));
  });

  it("is kept across a page that goes and comes, and ended after it", async () => {
    server.print("execution", "a");
    const view = store.logs("execution");
    const stop = view.subscribe(() => {});
    await pass(200);
    stop();
    await pass(500);
    const again = follow();
    await pass(50);
    expect(raws(again)).toEqual(["a"]);
    expect(server.socket.events("subscribe_logs")).toHaveLength(1);
    expect(server.socket.events("unsubscribe_logs")).toHaveLength(0);
    look();
    await pass(50);
  });

  it("is unsubscribed a second after the last viewer", async () => {
    look();
    const stop = store.logs("execution").subscribe(() => {});
    await pass(200);
    stop();
    await pass(1200);
    expect(server.socket.events("unsubscribe_logs")).toEqual([{ service: "execution" }]);
    expect(server.followers("execution")).toBe(0);
    await pass(5000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes nothing that was under way when it was left", async () => {
    server.print("execution", "a");
    look();
    const stop = store.logs("execution").subscribe(() => {});
    await pass(200);
    stop();
    await pass(1000.5);
    expect(server.socket.events("unsubscribe_logs")).toHaveLength(1);
    server.print("execution", "b");
    const view = follow();
    await pass(100);
    expect(raws(view)).toEqual(["a", "b"]);
    expect(server.followers("execution")).toBe(1);
  });

  it("shows a gap, and why", async () => {
    const view = follow();
    await pass(100);
    server.socket.receive("log_state", {
      service: "execution",
      state: "gap",
      reason: "vacuumed",
      from: "2026-11-26T06:00:00.000000Z",
      to: "2026-11-26T06:30:00.000000Z",
    });
    server.socket.receive("log_state", { service: "execution", state: "gap", reason: "slow", skipped: 12 });
    await pass(50);
    const [first, second] = view.get().logs;
    expect(first).toMatchObject({ gap: { reason: "vacuumed" }, level: "warn", timestamp: "2026-11-26T06:30:00.000000Z" });
    expect(first?.message).toBe("--- Lines are missing here: the node's journal no longer has them ---");
    expect(second).toMatchObject({ gap: { reason: "slow", skipped: 12 } });
    expect(second?.raw).toContain("12 lines");
  });

  it("that can't be read says why, and is tried again less and less often", async () => {
    const denied = { message: "The log of execution can't be read by this SSH user.", code: "permission_denied", service: "execution", hint: "Do this." };
    server.onOther = (socket, event, _args, ack) => {
      if (event !== "subscribe_logs") return false;
      socket.receive("error", denied);
      ack?.({ ok: false, error: denied });
      return true;
    };
    look();
    const view = follow();
    await pass(100);
    expect(view.get()).toMatchObject({ isLoading: false, problem: denied, state: "ended" });
    expect(store.connection.get().problem).toBe(null);
    await pass(300_000);
    expect(server.socket.events("subscribe_logs").length).toBeLessThan(10);
    server.onOther = () => false;
    server.print("execution", "a");
    await pass(80_000);
    expect(view.get()).toMatchObject({ problem: null, state: "live" });
    expect(raws(view)).toEqual(["a"]);
  });

  it("that goes elsewhere says so, and goes on", async () => {
    const view = follow();
    await pass(500);
    server.socket.receive("error", { message: "The log of execution goes elsewhere.", code: "log_elsewhere", service: "execution" });
    await pass(50);
    expect(view.get()).toMatchObject({ problem: { code: "log_elsewhere" }, state: "live" });
    server.print("execution", "a");
    await pass(50);
    expect(view.get().problem).toBe(null);
    expect(server.socket.events("subscribe_logs")).toHaveLength(1);
  });

  it("is subscribed anew, after its last line, when the session has changed", async () => {
    server.print("execution", "a");
    const view = follow();
    await pass(200);
    server.gone(server.socket);
    server.socket.receive("log_state", { service: "execution", state: "ended", reason: "session_changed" });
    await pass(10);
    server.print("execution", "b");
    await pass(100);
    expect(server.socket.events("subscribe_logs")).toHaveLength(2);
    expect(raws(view)).toEqual(["a", "b"]);
  });

  it("keeps as many lines as its largest viewer shows, each its own number", async () => {
    const small = follow("execution", 10);
    const large = follow("execution", 100);
    for (const line of numbered(0, 5000)) server.print("execution", line);
    await pass(500);
    expect(raws(small)).toEqual(numbered(4990, 5000));
    expect(raws(large)).toEqual(numbered(4900, 5000));
  });

  it("is cleared for one viewer, and paused for one", async () => {
    const one = follow();
    const other = follow();
    server.print("execution", "a");
    await pass(200);
    one.clear();
    other.pause();
    await pass(50);
    expect(raws(one)).toEqual([]);
    expect(raws(other)).toEqual(["a"]);
    server.print("execution", "b");
    await pass(50);
    expect(raws(one)).toEqual(["b"]);
    expect(other.get()).toMatchObject({ isPaused: true, missed: 1 });
    expect(raws(other)).toEqual(["a"]);
    other.resume();
    await pass(50);
    expect(raws(other)).toEqual(["a", "b"]);
  });

  it("tells its viewers once per frame, with the same entries", async () => {
    const view = store.logs("execution");
    let told = 0;
    view.subscribe(() => (told += 1));
    await pass(500);
    told = 0;
    for (const line of numbered(0, 200)) server.print("execution", line);
    await pass(30);
    expect(told).toBeLessThanOrEqual(2);
    const before = view.get();
    store.connection.get();
    await pass(50);
    expect(view.get()).toBe(before);
  });

  it("of nobody is no subscription", async () => {
    const view = store.logs(null);
    view.subscribe(() => {});
    await pass(500);
    expect(server.sockets).toHaveLength(0);
    expect(view.get()).toMatchObject({ logs: [], isLoading: false, problem: null });
  });

  it("takes no harm from what is no line", async () => {
    const view = follow();
    await pass(100);
    for (const odd of [null, 7, "x", [], {}, { service: "execution" }, { service: "execution", entries: 3 }, { service: "execution", entries: [null, {}, { line: 4 }] }]) {
      server.socket.receive("log_data", odd);
      server.socket.receive("log_batch", odd);
      server.socket.receive("log_state", odd);
      server.socket.receive("status_update", odd);
      server.socket.receive("connection_state", odd);
    }
    server.print("execution", "a");
    await pass(100);
    expect(raws(view)).toEqual(["a"]);
  });
});

describe("a log of the TypeScript server", () => {
  beforeEach(() => (server.typescript = true));

  it("comes line by line, with level and time where they can be read", async () => {
    server.print("execution", "2026-11-26 06:55:11.123 ERROR [net] \u001b[31mno peers\u001b[0m");
    server.print("execution", "INFO [11-26|06:55:11.123] Imported new potential chain segment");
    server.print("execution", "9999-99-99T99:99:99Z WARN odd");
    const view = follow();
    await pass(200);
    const [first, second, third] = view.get().logs;
    expect(first).toMatchObject({ level: "error", raw: "2026-11-26 06:55:11.123 ERROR [net] no peers" });
    expect(new Date(first?.timestamp ?? "").getTime()).not.toBeNaN();
    expect(second).toMatchObject({ level: "info" });
    expect(second).not.toHaveProperty("timestamp");
    expect(third).toMatchObject({ level: "warn" });
    expect(third).not.toHaveProperty("timestamp");
  });

  it("is joined after a reconnect where its lines meet", async () => {
    for (const line of numbered(0, 60)) server.print("execution", line);
    const view = follow();
    await pass(500);
    server.cut();
    for (const line of numbered(60, 75)) server.print("execution", line);
    await pass(3000);
    expect(raws(view)).toEqual(numbered(10, 75));
    server.print("execution", "more");
    await pass(50);
    expect(raws(view).at(-1)).toBe("more");
  });

  it("has a mark where they do not meet", async () => {
    for (const line of numbered(0, 60)) server.print("execution", line);
    const view = follow();
    await pass(500);
    server.cut();
    for (const line of numbered(60, 260)) server.print("execution", line);
    await pass(3000);
    expect(view.get().logs.filter(({ gap }) => gap)).toMatchObject([{ gap: { reason: "reconnected" } }]);
    expect(raws(view).filter((raw) => raw.startsWith("line"))).toEqual([...numbered(10, 60), ...numbered(210, 260)]);
  });

  it("shows an error that names the service as this log's", async () => {
    const view = follow();
    await pass(200);
    server.socket.receive("error", { message: "Log stream error for execution: Channel open failure" });
    await pass(50);
    expect(view.get().problem?.message).toContain("Channel open failure");
    expect(store.connection.get().problem).toBe(null);
  });
});

describe("the states", () => {
  it("are asked for at the shortest interval that anybody wants", async () => {
    const slow = store.status(20_000).subscribe(() => {});
    await pass(100);
    const fast = store.status(2000).subscribe(() => {});
    await pass(100);
    fast();
    await pass(100);
    expect(server.socket.events("subscribe_status")).toEqual([{ interval: 20_000 }, { interval: 2000 }, { interval: 20_000 }]);
    slow();
    look();
    await pass(1500);
    expect(server.socket.sent.at(-1)?.event).toBe("unsubscribe_status");
  });

  it("are one word each, and merged", async () => {
    const states = store.status();
    states.subscribe(() => {});
    expect(states.get()).toMatchObject({ isLoading: true, statuses: {} });
    await pass(100);
    server.socket.receive("status_update", [{ service: "geth", status: "active running Geth" }]);
    await pass(50);
    expect(states.get()).toMatchObject({ isLoading: false, isStale: false, statuses: { execution: "active", geth: "active" } });
  });

  it("are doubted at once when the node is away, unknown after three seconds, and fresh again with an update", async () => {
    const states = store.status();
    states.subscribe(() => {});
    const view = follow();
    await pass(100);
    server.socket.receive("connection_state", { state: "reconnecting", attempt: 1, retry_in: 0.5 });
    await pass(50);
    expect(states.get()).toMatchObject({ isStale: true, statuses: { execution: "active" } });
    expect(view.get().isLive).toBe(false);
    await pass(3000);
    expect(states.get()).toMatchObject({ isStale: true, statuses: { execution: "unknown" }, details: { execution: { status: "active" } } });
    server.socket.receive("connection_state", { state: "connected" });
    await pass(100);
    expect(states.get()).toMatchObject({ isStale: false, statuses: { execution: "active" } });
    expect(view.get().isLive).toBe(true);
  });

  it("are unknown as soon as the server says that the node is away", async () => {
    const states = store.status();
    states.subscribe(() => {});
    await pass(100);
    const away = { code: "ssh_unreachable", message: "The node can't be reached over SSH at the moment. Trying again." };
    server.socket.receive("error", away);
    await pass(50);
    expect(states.get()).toMatchObject({ isStale: true, statuses: { execution: "unknown" }, problem: away });
    expect(store.connection.get()).toMatchObject({ isAuthenticated: true, problem: away, node: { state: "reconnecting" } });
    server.socket.receive("authenticated");
    server.socket.receive("connection_state", { state: "connected" });
    await pass(100);
    expect(states.get()).toMatchObject({ isStale: false, statuses: { execution: "active" }, problem: null });
    expect(server.socket.events("authenticate")).toHaveLength(1);
  });

  it("say nothing new when the server says that they are unknown", async () => {
    const states = store.status();
    states.subscribe(() => {});
    await pass(100);
    server.socket.receive("status_update", [{ service: "execution", status: "unknown" }]);
    await pass(50);
    expect(states.get()).toMatchObject({ isStale: true, statuses: { execution: "unknown" }, details: { execution: { status: "active" } } });
  });

  it("are unknown while the server is away, and when updates stay out", async () => {
    const states = store.status();
    states.subscribe(() => {});
    await pass(100);
    server.onConnect = () => "away";
    server.cut();
    await pass(4000);
    expect(states.get().statuses).toEqual({ execution: "unknown" });
    server.onConnect = () => "ok";
    await pass(30_000);
    expect(states.get().isStale).toBe(true); // the fake server sends one update only, which was long ago
    server.socket.receive("status_update", server.statuses);
    await pass(50);
    expect(states.get()).toMatchObject({ isStale: false, statuses: { execution: "active" } });
  });

  it("that can't be read are told", async () => {
    const states = store.status();
    states.subscribe(() => {});
    await pass(100);
    const problem = { code: "status_unavailable", message: "The states of the services can't be read at the moment." };
    server.socket.receive("error", problem);
    await pass(50);
    expect(states.get()).toMatchObject({ problem, isStale: true });
    expect(store.connection.get().problem).toBe(null);
  });
});

describe("the past", () => {
  it("is read page by page before the oldest line", async () => {
    server.print("execution", "a");
    server.onOther = (_socket, event, args, ack) => {
      if (event !== "read_logs") return false;
      const first = args[0].before === "s=1;i=1";
      ack?.({ ok: true, entries: [{ service: "execution", line: first ? "z" : "y", cursor: first ? "c2" : "c1" }], before: first ? "c2" : "c1", more: first });
      return true;
    };
    const view = follow();
    await pass(200);
    const page = view.readBefore(1);
    await pass(10);
    expect((await page).entries[0]).toMatchObject({ raw: "z", service: "execution" });
    expect((await page).more).toBe(true);
    const next = view.readBefore(1);
    await pass(10);
    expect((await next).entries[0]?.raw).toBe("y");
    expect(server.socket.events("read_logs")).toEqual([
      { service: "execution", limit: 1, before: "s=1;i=1" },
      { service: "execution", limit: 1, before: "c2" },
    ]);
  });

  it.each([
    ["says that there is no such event", (socket: { receive: FakeServer["socket"]["receive"] }) => socket.receive("error", { code: "bad_request", message: "There is no such event." })],
    ["says nothing", () => {}],
  ])("is told to be unsupported by a server that %s", async (_name, answer) => {
    server.onOther = (socket, event) => {
      if (event === "read_logs") answer(socket);
      return event === "read_logs";
    };
    look();
    const view = follow();
    await pass(200);
    const page = view.readBefore().catch((problem) => problem);
    await pass(30_000);
    expect(await page).toMatchObject({ name: "RealtimeError", code: "unsupported" });
    expect(store.connection.get().problem).toBe(null);
  });

  it("is not read without a connection", async () => {
    const view = store.logs("execution");
    await expect(view.readBefore()).rejects.toMatchObject({ code: "disconnected" });
  });
});

describe("events of the application's own", () => {
  it("are sent once the session is accepted, in order", async () => {
    store.emit("one", 1);
    store.emit("two");
    look();
    await pass(100);
    store.emit("three");
    expect(server.socket.sent.map(({ event }) => event)).toEqual(["authenticate", "one", "two", "three"]);
  });

  it("are heard whatever the connection, and each line of a batch is one", async () => {
    const heard: unknown[] = [];
    const stops = ["log_data", "connect", "other"].map((name) => store.on(name, (...args) => heard.push([name, ...args])));
    server.print("execution", "a", "b");
    follow();
    await pass(200);
    server.socket.receive("other", 1, 2);
    await pass(10);
    expect(heard).toMatchObject([["connect"], ["log_data", { line: "a" }], ["log_data", { line: "b" }], ["other", 1, 2]]);
    for (const stop of stops) stop();
    server.cut();
    await pass(3000);
    expect(heard).toHaveLength(4);
  });

  it("that throw stop nothing here", async () => {
    vi.spyOn(globalThis, "setTimeout");
    store.on("log_data", () => {
      throw new Error("the application's");
    });
    const view = follow();
    server.print("execution", "a");
    await expect(pass(200)).rejects.toThrow("the application's");
    await pass(50);
    expect(raws(view)).toEqual(["a"]);
  });
});
