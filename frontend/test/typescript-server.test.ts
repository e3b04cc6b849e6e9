/**
 * Real sockets, against a small server that does what the TypeScript server does: a middleware that checks the token,
 * a login of its own beside `authenticate`, bare lines, fifty of them first, no acks for subscriptions, and a
 * disconnect when SSH breaks.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRealtime, type LogView, type Realtime } from "../src/core.js";

const GOOD = "6c0f6a3e-6f0c-4b7e-9a55-0d5d6c1f3a10";

class TypeScriptServer {
  readonly sessions = new Set([GOOD]);
  readonly journal: string[] = [];
  connects = 0;
  logins = true;
  io!: Server;
  private port = 0;

  async start(): Promise<void> {
    const http = createServer();
    this.io = new Server(http, { path: "/", transports: ["websocket", "polling"], pingInterval: 10_000, pingTimeout: 30_000 });
    this.io.use((socket, next) => {
      this.connects += 1;
      const { token } = socket.handshake.auth;
      if (!token || this.sessions.has(token)) next();
      else next(new Error("Authentication error: Invalid or expired session."));
    });
    this.io.on("connection", (socket) => this.connected(socket));
    await new Promise<void>((done) => http.listen(this.port, "127.0.0.1", done));
    this.port = (http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private connected(socket: Socket): void {
    const logs = new Set<string>();
    const login = (ack?: (success: boolean) => void): void => {
      if (!this.logins) {
        socket.emit("error", { message: "All configured authentication methods failed" });
        ack?.(false);
        return;
      }
      socket.data.in = true;
      socket.emit("authenticated");
      ack?.(true);
    };
    login();
    socket.on("authenticate", (_token, ack) => login(ack));
    const guarded = (act: (payload: any) => void) => (payload: any) =>
      socket.data.in ? act(payload ?? {}) : socket.emit("error", { message: "Not authenticated." });
    socket.on(
      "subscribe_logs",
      guarded(({ service }) => {
        if (logs.has(service)) return;
        logs.add(service);
        for (const line of this.journal.slice(-50)) socket.emit("log_data", { service, line });
        socket.join(service);
      }),
    );
    socket.on("subscribe_status", guarded(() => socket.emit("status_update", [{ service: "execution", status: "active running Geth" }])));
  }

  print(...lines: string[]): void {
    this.journal.push(...lines);
    for (const line of lines) this.io.to("execution").emit("log_data", { service: "execution", line });
  }

  async stop(): Promise<void> {
    await this.io.close();
  }
}

let server: TypeScriptServer;
let store: Realtime;
let view: LogView;
const stops: (() => void)[] = [];

beforeEach(async () => {
  server = new TypeScriptServer();
  await server.start();
  store = createRealtime(server.url, { token: GOOD });
  view = store.logs("execution", 1000);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  store.close();
  await server.stop();
});

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });
const raws = (): string[] => view.get().logs.map(({ raw }) => raw);
const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `INFO line ${from + at}`);
const follow = (): void => void stops.push(view.subscribe(() => {}));

describe("against the TypeScript server", { timeout: 60_000 }, () => {
  it("lines and states come", async () => {
    server.print(...numbered(0, 80));
    follow();
    const states = store.status();
    stops.push(states.subscribe(() => {}));
    await until(() => expect(raws()).toEqual(numbered(30, 80)));
    server.print(...numbered(80, 90));
    await until(() => expect(raws()).toEqual(numbered(30, 90)));
    await until(() => expect(states.get().statuses).toEqual({ execution: "active" }));
    expect(view.get().logs[0]).toMatchObject({ level: "info", message: "INFO line 30" });
    expect(server.connects).toBe(1);
  });

  it("a restart and a broken SSH repeat no line", async () => {
    server.print(...numbered(0, 60));
    follow();
    await until(() => expect(raws()).toHaveLength(50));
    await server.stop();
    await until(() => expect(store.connection.get().isConnected).toBe(false));
    await server.start();
    server.print(...numbered(60, 80));
    await until(() => expect(raws()).toEqual(numbered(10, 80)));
    server.io.emit("error", { message: "SSH connection closed unexpectedly." });
    server.io.disconnectSockets(true);
    await until(() => expect(store.connection.get()).toMatchObject({ isConnected: false, problem: { message: "SSH connection closed unexpectedly." } }));
    server.print(...numbered(80, 90));
    await until(() => expect(raws()).toEqual(numbered(10, 90)));
    expect(store.connection.get().problem).toBe(null);
  });

  it("a login that fails is tried with pauses, and told", async () => {
    server.logins = false;
    follow();
    await until(() => expect(store.connection.get().problem?.message).toBe("All configured authentication methods failed"));
    server.logins = true;
    server.print("INFO hello");
    await until(() => expect(raws()).toEqual(["INFO hello"]));
    expect(server.connects).toBeLessThan(3);
  });

  it("a session that is unknown is left after four tries", async () => {
    server.sessions.clear();
    follow();
    await until(() => expect(store.connection.get().phase).toBe("stopped"));
    expect(server.connects).toBe(4);
    expect(view.get()).toMatchObject({ isLoading: false, problem: { message: "Authentication error: Invalid or expired session." } });
  });

  it("a server that is not there is tried until it is", async () => {
    await server.stop();
    follow();
    await until(() => expect(store.connection.get().problem?.code).toBe("server_unreachable"));
    await server.start();
    await until(() => expect(store.connection.get().isAuthenticated).toBe(true));
  });
});
