/**
 * A scripted server, and sockets as socket.io-client has them, without a network.
 *
 * Messages take a millisecond each way and keep their order; what is under way when a connection is cut is lost. The
 * server behaves as ours does, or as the TypeScript one.
 */

import type { io } from "socket.io-client";
import type { LogLine, SubscribeLogs } from "../src/protocol.js";

type Handler = (...args: any[]) => void;

export class FakeSocket {
  connected = false;
  auth: { token?: string } = {};
  /** What this client sent over this connection and before: name and arguments. */
  readonly sent: { event: string; args: any[]; at: number }[] = [];
  connection = 0;
  /** Times that `connect` was called. */
  attempts: number[] = [];
  private handlers = new Map<string, Handler[]>();
  private any: Handler[] = [];

  constructor(
    readonly server: FakeServer,
    readonly url: string,
    readonly options: Record<string, unknown>,
  ) {}

  on(event: string, handler: Handler): this {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
    return this;
  }

  onAny(handler: Handler): this {
    this.any.push(handler);
    return this;
  }

  tell(event: string, ...args: unknown[]): void {
    for (const handler of this.handlers.get(event) ?? []) handler(...args);
    if (!["connect", "disconnect", "connect_error"].includes(event)) for (const handler of this.any) handler(event, ...args);
  }

  connect(): this {
    if (this.connected) return this;
    const connection = ++this.connection;
    this.attempts.push(Date.now());
    setTimeout(() => {
      if (connection !== this.connection) return;
      const answer = this.server.onConnect(this);
      if (answer === "ok") {
        this.connected = true;
        this.tell("connect");
      } else if (answer === "away") this.tell("connect_error", Object.assign(new Error("websocket error"), { type: "TransportError" }));
      else this.tell("connect_error", Object.assign(new Error(answer.message), { data: answer.data }));
    }, 1);
    return this;
  }

  disconnect(): this {
    this.drop("io client disconnect");
    return this;
  }

  drop(reason: string): void {
    this.connection += 1;
    if (!this.connected) return;
    this.connected = false;
    this.server.gone(this);
    this.tell("disconnect", reason);
  }

  emit(event: string, ...args: any[]): this {
    if (!this.connected) throw new Error(`${event} was sent without a connection`);
    this.sent.push({ event, args: args.filter((each) => typeof each !== "function"), at: Date.now() });
    const ack = args.find((each) => typeof each === "function");
    const { connection } = this;
    const answer = ack && ((value: unknown) => this.later(connection, () => ack(value)));
    this.later(connection, () => this.server.onEvent(this, event, args.filter((each) => typeof each !== "function"), answer));
    return this;
  }

  /** From the server. */
  receive(event: string, ...args: unknown[]): void {
    const { connection } = this;
    this.later(connection, () => this.tell(event, ...args));
  }

  private later(connection: number, act: () => void): void {
    setTimeout(() => {
      if (connection === this.connection && this.connected) act();
    }, 1);
  }

  events(name: string): any[] {
    return this.sent.filter(({ event }) => event === name).map(({ args }) => args[0]);
  }
}

export interface JournalLine {
  line: string;
  cursor: string | null;
}

/** Ours: cursors, batches, acks. `typescript`: neither. */
export class FakeServer {
  sockets: FakeSocket[] = [];
  journals = new Map<string, JournalLine[]>();
  backlog = 50;
  typescript = false;
  /** Lines in one `log_batch`. */
  batch = 3;
  onConnect: (socket: FakeSocket) => "ok" | "away" | { message: string; data?: unknown } = () => "ok";
  onLogin: (socket: FakeSocket, token: string, ack: (success: boolean) => void) => void = (socket, _token, ack) => {
    socket.receive("authenticated");
    if (!this.typescript) socket.receive("connection_state", { state: "connected" });
    ack(true);
  };
  /** Instead of what the server does with an event. Return true when it is done. */
  onOther: (socket: FakeSocket, event: string, args: any[], ack?: (value: unknown) => void) => boolean = () => false;
  statuses: { service: string; status: string }[] = [{ service: "execution", status: "active" }];
  private followed = new Map<string, Map<FakeSocket, { position: number; batch: boolean }>>();

  readonly io = ((url: string, options: Record<string, unknown>) => {
    const socket = new FakeSocket(this, url, options);
    this.sockets.push(socket);
    return socket;
  }) as unknown as typeof io;

  get socket(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket;
  }

  followers(service: string): number {
    return this.followed.get(service)?.size ?? 0;
  }

  gone(socket: FakeSocket): void {
    for (const each of this.followed.values()) each.delete(socket);
  }

  onEvent(socket: FakeSocket, event: string, args: any[], ack?: (value: any) => void): void {
    if (this.onOther(socket, event, args, ack)) return;
    const done = this.typescript ? undefined : ack;
    if (event === "authenticate") this.onLogin(socket, args[0], (success) => ack?.(success));
    else if (event === "subscribe_logs") {
      this.subscribe(socket, args[0]);
      done?.({ ok: true });
    } else if (event === "unsubscribe_logs") {
      this.followed.get(args[0].service)?.delete(socket);
      done?.({ ok: true });
    } else if (event === "subscribe_status") {
      socket.receive("status_update", this.statuses);
      done?.({ ok: true });
    }
  }

  private subscribe(socket: FakeSocket, { service, after, lines, batch }: Extract<SubscribeLogs, { service: string }>): void {
    const followers = this.followed.get(service) ?? new Map();
    this.followed.set(service, followers);
    if (followers.has(socket)) return;
    const journal = this.journal(service);
    const count = this.typescript ? this.backlog : (lines ?? this.backlog);
    const known = this.typescript || after === undefined ? -1 : journal.findIndex(({ cursor }) => cursor === after);
    const position = known < 0 ? Math.max(0, journal.length - count) : known + 1;
    followers.set(socket, { position, batch: Boolean(batch) && !this.typescript });
    this.deliver(service, socket);
    if (!this.typescript) socket.receive("log_state", { service, state: "live" });
  }

  journal(service: string): JournalLine[] {
    const journal = this.journals.get(service) ?? [];
    this.journals.set(service, journal);
    return journal;
  }

  /** The program prints a journal entry, which may have several lines. */
  print(service: string, ...lines: string[]): void {
    const journal = this.journal(service);
    lines.forEach((line, at) => {
      journal.push({ line, cursor: at === lines.length - 1 ? `s=1;i=${journal.length + 1}` : null });
    });
    for (const socket of this.followed.get(service)?.keys() ?? []) this.deliver(service, socket);
  }

  private deliver(service: string, socket: FakeSocket): void {
    const follower = this.followed.get(service)?.get(socket);
    if (!follower) return;
    const lines: LogLine[] = this.journal(service)
      .slice(follower.position)
      .map((each) =>
        this.typescript
          ? { service, line: each.line }
          : { service, line: each.line, message: each.line, timestamp: "2026-11-26T07:00:00.000001Z", level: "info", component: null, fields: {}, cursor: each.cursor },
      );
    follower.position += lines.length;
    if (!follower.batch) for (const line of lines) socket.receive("log_data", line);
    else while (lines.length) socket.receive("log_batch", { service, entries: lines.splice(0, this.batch) });
  }

  /** The network breaks for all. */
  cut(reason = "transport close"): void {
    for (const socket of this.sockets) socket.drop(reason);
  }

  kick(): void {
    this.cut("io server disconnect");
  }
}
