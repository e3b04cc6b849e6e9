import { describe, expect, it, vi } from "vitest";
import { follow, look, numbered, pass, raws, server, store } from "./harness.js";

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
