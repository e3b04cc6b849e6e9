import { describe, expect, it, vi } from "vitest";
import { follow, look, pass, raws, server, store } from "./harness.js";

describe("events of the application's own", () => {
  it("are sent once the session is accepted, in order", async () => {
    store.emit("one", 1);
    store.emit("two");
    look();
    await pass(100);
    store.emit("three");
    expect(server.socket.sent.map(({ event }) => event)).toEqual(["authenticate", "one", "two", "three"]);
  });

  it("are forgotten once nobody needs the connection", async () => {
    const accept = server.onLogin;
    server.onLogin = () => {};
    const leave = look();
    await pass(100);
    store.emit("one", 1);
    leave();
    await pass(2000);
    server.onLogin = accept;
    look();
    await pass(100);
    store.emit("two");
    expect(server.socket.sent.map(({ event }) => event)).toEqual(["authenticate", "authenticate", "two"]);
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
