import { describe, expect, it } from "vitest";
import { follow, look, pass, server, store } from "./harness.js";

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
