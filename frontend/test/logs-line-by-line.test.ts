import { beforeEach, describe, expect, it } from "vitest";
import { follow, numbered, pass, raws, server, store } from "./harness.js";

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
