// @vitest-environment jsdom
import { act, StrictMode, useState, type ReactNode } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createRealtime,
  RealtimeProvider,
  useClientLogs,
  useNodeStatus,
  useWebSocket,
  type ClientLogs,
  type NodeStatus,
  type Realtime,
  type WebSocketHook,
} from "../src/index.js";
import { FakeServer } from "./fake.js";

let server: FakeServer;
let store: Realtime;
let place: HTMLElement;
let roots: Root[];
const complaints: unknown[][] = [];

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "requestAnimationFrame", "cancelAnimationFrame"] });
  server = new FakeServer();
  store = createRealtime("http://server", { token: "t", io: server.io });
  place = document.createElement("div");
  roots = [];
  document.cookie = "ssh_session_ws=; max-age=0";
  complaints.length = 0;
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation((...words) => void complaints.push(words));
});
afterEach(async () => {
  await act(async () => roots.forEach((root) => root.unmount()));
  await pass(10_000);
  expect(complaints).toEqual([]);
  expect(server.sockets.some(({ connected }) => connected)).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number): Promise<void> => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));

async function mount(element: ReactNode, strict = false): Promise<Root> {
  const root = createRoot(place);
  roots.push(root);
  const provided = <RealtimeProvider realtime={store}>{element}</RealtimeProvider>;
  await act(async () => root.render(strict ? <StrictMode>{provided}</StrictMode> : provided));
  return root;
}

let socket: WebSocketHook;
let status: NodeStatus;
let logs: ClientLogs;
let renders = 0;

function Dashboard({ service = "execution", lines }: { service?: string | null; lines?: number }): ReactNode {
  socket = useWebSocket();
  status = useNodeStatus();
  logs = useClientLogs(service, lines);
  renders += 1;
  return <pre>{logs.logs.map(({ message }) => message).join("\n")}</pre>;
}

describe("the hooks", () => {
  it("have the keys that the dashboard uses", async () => {
    server.print("execution", "hello");
    await mount(<Dashboard />);
    expect(logs.isLoading).toBe(true);
    expect(status.isLoading).toBe(true);
    await pass(600);
    expect(socket).toMatchObject({ isConnected: true, isAuthenticated: true, lastError: null });
    expect(socket.socket).toBe(server.socket);
    expect(status).toMatchObject({ statuses: { execution: "active" }, isLoading: false, error: null });
    expect(logs).toMatchObject({ isLoading: false, error: null });
    expect(logs.logs).toMatchObject([{ id: expect.any(Number), service: "execution", raw: "hello", message: "hello" }]);
    expect(place.textContent).toBe("hello");
    await act(async () => logs.clearLogs());
    await pass(50);
    expect(logs.logs).toEqual([]);
    expect(server.sockets).toHaveLength(1);
    expect(server.socket.events("subscribe_status")).toEqual([{ interval: 5000 }]);
    expect(server.socket.events("subscribe_logs")).toEqual([{ service: "execution", batch: true, lines: 200 }]);
  });

  it("have functions that stay the same", async () => {
    await mount(<Dashboard />);
    const { emit, on, reconnect } = socket;
    const { clearLogs, pause, readBefore } = logs;
    await pass(600);
    expect([socket.emit, socket.on, socket.reconnect]).toEqual([emit, on, reconnect]);
    expect([logs.clearLogs, logs.pause, logs.readBefore]).toEqual([clearLogs, pause, readBefore]);
  });

  it("render once per frame, however many lines", async () => {
    await mount(<Dashboard />);
    await pass(1000);
    renders = 0;
    for (let frame = 0; frame < 20; frame += 1) {
      for (let line = 0; line < 50; line += 1) server.print("execution", `line ${line}`);
      await pass(16);
    }
    expect(renders).toBeGreaterThan(5);
    expect(renders).toBeLessThanOrEqual(21);
    expect(logs.logs).toHaveLength(200);
  });

  it("pause, and say what was missed", async () => {
    await mount(<Dashboard />);
    await pass(600);
    await act(async () => logs.pause());
    server.print("execution", "a");
    await pass(50);
    expect(logs).toMatchObject({ isPaused: true, missed: 1, logs: [] });
    await act(async () => logs.resume());
    await pass(50);
    expect(logs.logs).toHaveLength(1);
  });

  it("show what is wrong", async () => {
    server.onConnect = () => ({ message: "The node refused the user name, password or key.", data: { code: "ssh_auth_failed" } });
    await mount(<Dashboard />);
    await pass(600);
    const message = "The node refused the user name, password or key.";
    expect(socket).toMatchObject({ isConnected: false, lastError: message, problem: { code: "ssh_auth_failed" } });
    expect(status).toMatchObject({ isLoading: false, error: message });
    expect(logs).toMatchObject({ isLoading: false, error: message });
  });

  it("follow another service, and none", async () => {
    const root = await mount(<Dashboard />);
    await pass(600);
    server.print("consensus", "c");
    const show = (service: string | null): Promise<void> =>
      act(async () => root.render(<RealtimeProvider realtime={store}><Dashboard service={service} /></RealtimeProvider>));
    await show("consensus");
    expect(logs).toMatchObject({ logs: [], isLoading: true });
    await pass(600);
    expect(place.textContent).toBe("c");
    await show(null);
    expect(logs).toMatchObject({ logs: [], isLoading: false });
    await pass(5000);
    expect(server.followers("execution") + server.followers("consensus")).toBe(0);
    expect(server.sockets).toHaveLength(1);
  });

  it("bear StrictMode", async () => {
    server.print("execution", "hello");
    await mount(<Dashboard />, true);
    await pass(600);
    expect(place.textContent).toBe("hello");
    expect(server.sockets).toHaveLength(1);
    expect(server.socket.attempts).toHaveLength(1);
    expect(server.socket.events("subscribe_logs")).toHaveLength(1);
  });

  it("leave nothing behind in a hundred navigations, in any order", async () => {
    const Page = ({ part }: { part: number }): ReactNode => (part === 0 ? <Dashboard /> : part === 1 ? <><Dashboard service="consensus" /><Dashboard /></> : <p />);
    const root = await mount(<Page part={0} />);
    const go = (part: number): Promise<void> =>
      act(async () => root.render(<RealtimeProvider realtime={store}><Page key={Math.random()} part={part} /></RealtimeProvider>));
    for (let visit = 0; visit < 100; visit += 1) {
      await go(visit % 2);
      await pass(visit % 7 === 0 ? 1500 : 30);
    }
    expect(server.sockets).toHaveLength(1);
    expect(server.socket.attempts).toHaveLength(1);
    await go(2);
    await pass(1100);
    expect(server.socket.connected).toBe(false);
    expect(server.followers("execution")).toBe(0);
  });

  it("share the page's store without a provider, across copies of the package", async () => {
    document.cookie = "ssh_session_ws=from-cookie";
    const one = await import("../src/index.js");
    vi.resetModules(); // as a hot reload does
    const other = await import("../src/index.js");
    expect(other.sharedRealtime).not.toBe(one.sharedRealtime);
    expect(other.sharedRealtime("http://x")).toBe(one.sharedRealtime("http://x"));
    expect(other.sharedRealtime("http://x", { token: "a" })).not.toBe(one.sharedRealtime("http://x", { token: "b" }));
    expect(one.sharedRealtime()).toBe(one.sharedRealtime("http://localhost:3001"));
    vi.stubEnv("NEXT_PUBLIC_WS_URL", "https://realtime.example");
    expect(one.sharedRealtime()).toBe(one.sharedRealtime("https://realtime.example"));
    vi.unstubAllEnvs();
    one.configureRealtime({ url: "https://configured.example" });
    expect(other.sharedRealtime()).toBe(one.sharedRealtime("https://configured.example"));
    one.configureRealtime({ url: undefined });
  });

  it("take the token from the cookie, else from localStorage, and leave a refused one", async () => {
    localStorage.setItem("ssh_session_token", "from%2Dstorage");
    store = createRealtime("http://server", { io: server.io });
    await mount(<Dashboard />);
    await pass(50);
    expect(server.socket.auth.token).toBe("from%2Dstorage");
    document.cookie = "other=1";
    document.cookie = "ssh_session_ws=from%2Dcookie";
    await act(async () => socket.reconnect());
    await pass(50);
    expect(server.socket.auth.token).toBe("from-cookie");
    server.socket.receive("error", { message: "Over.", code: "session_expired" });
    await pass(10_000);
    expect(server.socket.connected).toBe(false); // what is in storage may be a session of another node
    document.cookie = "ssh_session_ws=next";
    await pass(1100);
    expect(socket.isAuthenticated).toBe(true);
    localStorage.clear();
  });

  it("ask the provider's latest token function", async () => {
    let set: (token: string) => void = () => {};
    const made: string[] = [];
    const App = (): ReactNode => {
      const [token, setToken] = useState("one");
      set = setToken;
      return <RealtimeProvider url="http://127.0.0.1:9" token={() => (made.push(token), "")}><Dashboard /></RealtimeProvider>;
    };
    await mount(<App />);
    await pass(100);
    await act(async () => set("two"));
    await pass(1100);
    expect(made[0]).toBe("one");
    expect(made.at(-1)).toBe("two");
    expect(socket.problem?.code).toBe("no_session");
  });
});

describe("on a server", () => {
  it("they render what is first, and the page takes it over", async () => {
    const page = <RealtimeProvider realtime={store}><Dashboard /></RealtimeProvider>;
    const windowed = globalThis.window;
    vi.stubGlobal("window", undefined);
    vi.stubGlobal("document", undefined);
    vi.stubGlobal("localStorage", undefined);
    const html = renderToString(page);
    renderToString(<Dashboard />); // with the page's store
    vi.unstubAllGlobals();
    expect(globalThis.window).toBe(windowed);
    expect(server.sockets).toHaveLength(0);
    expect(logs.isLoading).toBe(true);
    place.innerHTML = html;
    server.print("execution", "hello");
    await act(async () => void roots.push(hydrateRoot(place, page)));
    await pass(600);
    expect(place.textContent).toBe("hello");
  });
});
