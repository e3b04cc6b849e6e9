import { describe, expect, it, vi } from "vitest";
import { TOKEN, follow, look, open, pass, server, store } from "./harness.js";

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
    vi.mocked(Math.random).mockRestore();
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

  it("that was refused and then cut off is tried again when it would have been", async () => {
    server.onLogin = (socket, _token, ack) => {
      socket.receive("error", { message: "The node can't be reached over SSH.", code: "ssh_unreachable" });
      ack(false);
    };
    look();
    await pass(500);
    const { phase, retryAt } = store.connection.get();
    expect(phase).toBe("waiting");
    server.cut();
    await pass(20);
    expect(store.connection.get()).toMatchObject({ phase, retryAt, isConnected: false, problem: { code: "ssh_unreachable" } });
    await pass(1000);
    expect(server.socket.attempts).toHaveLength(2);
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
    open({ token: () => token });
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
    open({ token: () => token });
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
