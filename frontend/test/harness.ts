/** A store on a server that is played, with a clock that stands still: for each test of a file that imports this. */

import { afterEach, beforeEach, vi } from "vitest";
import { createRealtime, type LogView, type Realtime } from "../src/core.js";
import { FakeServer } from "./fake.js";

export const TOKEN = "6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10";
export let server: FakeServer;
export let store: Realtime;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // else it is by luck what happens before a wait is over
  server = new FakeServer();
  open({ token: TOKEN });
});
afterEach(() => {
  store.close();
  vi.useRealTimers();
});

/** Replaces the store by one with these options. */
export function open(options: Parameters<typeof createRealtime>[1]): Realtime {
  store = createRealtime("http://server", { ...options, io: server.io });
  return store;
}

export const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
export const look = (): (() => void) => store.connection.subscribe(() => {});
export const raws = (view: LogView): string[] => view.get().logs.map(({ raw }) => raw);
export const follow = (service = "execution", maxLines?: number): LogView => {
  const view = store.logs(service, maxLines);
  view.subscribe(() => {});
  return view;
};
export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}`);
