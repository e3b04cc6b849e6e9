import { describe, expect, it } from "vitest";
import { follow, look, pass, server, store } from "./harness.js";
import type { FakeServer } from "./fake.js";

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

  it("is told to be late, not unsupported, by a server that has answered before", async () => {
    let silent = false;
    server.onOther = (_socket, event, _args, ack) => {
      if (event === "read_logs" && !silent) ack?.({ ok: true, entries: [], before: null, more: false });
      return event === "read_logs";
    };
    look();
    await pass(200);
    const answered = store.read({ service: "execution" });
    await pass(10);
    expect((await answered).more).toBe(false);
    silent = true;
    let code: string | undefined;
    void store.read({ service: "execution" }).catch((problem) => (code = problem.code));
    await pass(30_000);
    expect(code).toBeUndefined();
    await pass(31_000);
    expect(code).toBe("timeout");
  });

  it("is not read without a connection", async () => {
    const view = store.logs("execution");
    await expect(view.readBefore()).rejects.toMatchObject({ code: "disconnected" });
  });
});
