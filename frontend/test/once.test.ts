/** Whatever happens, in whatever order: each numbered line once, and in order. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRealtime, type LogView, type Realtime } from "../src/core.js";
import { overlap } from "../src/resume.js";
import { FakeServer } from "./fake.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Step =
  | { do: "print"; lines: number; bare: boolean }
  | { do: "cut" | "kick" | "away" | "back" | "again" | "node" | "change" | "come" | "leave" | "hand" | "expire" | "forgotten" }
  | { do: "wait"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("print" as const), lines: fc.integer({ min: 1, max: 4 }), bare: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 2, 3, 17, 300, 1200, 5000, 40_000) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(["cut", "kick", "away", "back", "again", "node", "change", "come", "leave", "hand", "forgotten"] as const),
      ),
    }),
  },
);

class Play {
  readonly server = new FakeServer();
  readonly store: Realtime;
  readonly view: LogView;
  printed: string[] = [];
  private others: (() => void)[] = [];
  private stop: () => void;

  constructor(typescript: boolean) {
    this.server.typescript = typescript;
    this.store = createRealtime("http://server", { token: "t", io: this.server.io });
    this.view = this.store.logs("execution", 10_000);
    this.stop = this.view.subscribe(() => {});
  }

  async play(steps: Step[]): Promise<void> {
    for (const each of steps) await this.one(each);
    this.server.onConnect = () => "ok";
    await vi.advanceTimersByTimeAsync(60_000);
    this.server.socket.receive("connection_state", { state: "connected" });
    await vi.advanceTimersByTimeAsync(60_000);
  }

  private async one(each: Step): Promise<void> {
    const { server } = this;
    const socket = server.sockets[0];
    if (each.do === "print") {
      const lines = Array.from({ length: each.lines }, (_, at) => `line ${this.printed.length + at}`);
      this.printed.push(...lines);
      // One entry of several lines, or several entries.
      if (each.bare) for (const line of lines) server.print("execution", line);
      else server.print("execution", ...lines);
    } else if (each.do === "wait") await vi.advanceTimersByTimeAsync(each.ms);
    else if (each.do === "cut") server.cut();
    else if (each.do === "kick") server.kick();
    else if (each.do === "away") server.onConnect = () => "away";
    else if (each.do === "back") server.onConnect = () => "ok";
    else if (each.do === "again") socket?.receive("authenticated");
    else if (each.do === "node") socket?.receive("connection_state", { state: "reconnecting" });
    else if (each.do === "forgotten") socket?.receive("error", { message: "Not authenticated." });
    else if (each.do === "change" && socket && !server.typescript) {
      server.gone(socket);
      socket.receive("log_state", { service: "execution", state: "ended", reason: "session_changed" });
    } else if (each.do === "come") this.others.push(this.store.logs("execution", 5).subscribe(() => {}));
    else if (each.do === "leave") this.others.pop()?.();
    else if (each.do === "hand") this.store.reconnect();
  }

  /** Somebody else who looks goes, and so does this one; nothing is left. */
  async end(): Promise<void> {
    for (const stop of this.others) stop();
    this.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(this.server.sockets.length).toBeLessThanOrEqual(1);
    expect(this.server.sockets.some(({ connected }) => connected)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  }
}

it("with cursors: every line", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const play = new Play(false);
      play.server.backlog = 10_000;
      await play.play(steps);
      expect(play.view.get().logs.map(({ raw }) => raw)).toEqual(play.printed);
      const ids = play.view.get().logs.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      expect(play.view.get()).toMatchObject({ isLive: true, isLoading: false, problem: null });
      await play.end();
    }),
    { numRuns: 300 },
  );
});

it("without cursors: no line twice, in order, and a mark where some may be missing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const play = new Play(true);
      play.server.backlog = 10;
      await play.play(steps);
      const { logs } = play.view.get();
      let last: number | undefined;
      let mark = true; // whatever was before the first backlog is nobody's
      for (const { raw, gap } of logs) {
        if (gap) mark = true;
        else {
          const number = Number(raw.slice(5));
          if (last !== undefined && !mark) expect(number).toBe(last + 1);
          if (last !== undefined) expect(number).toBeGreaterThan(last);
          last = number;
          mark = false;
        }
      }
      if (play.printed.length) expect(last).toBe(play.printed.length - 1);
      await play.end();
    }),
    { numRuns: 300 },
  );
});

it("an overlap is found wherever the two meet", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 40 }), fc.nat(40), fc.nat(40), fc.nat(40), (lines, from, middle, to) => {
      const unique = lines.map((line, at) => `${at} ${line}`);
      const [a, b, c] = [from, middle, to].map((each) => each % (unique.length + 1)).sort((x, y) => x - y) as [number, number, number];
      if (b === 0) return;
      // `before` ends at b, `again` begins at a: they have b - a lines in common.
      const known = overlap(unique.slice(0, b), unique.slice(a, Math.max(b, c)), false);
      expect(known).toBe(b > a ? b - a : null);
    }),
  );
});
