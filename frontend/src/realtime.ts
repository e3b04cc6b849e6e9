/**
 * The store: one connection, and all that is looked at over it.
 *
 * Belongs here: which part an event belongs to.
 */

import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import { History, type LogPage, type ReadQuery } from "./history.js";
import { LogFeed, type LogReader } from "./logs.js";
import { Frames, safely, type Observable } from "./observable.js";
import type { LogBatch, LogLine, LogStateEvent, NodeState, Problem, ServiceStatus } from "./protocol.js";
import { StatusFeed, type StatusSnapshot } from "./status.js";
import { LogView } from "./view.js";

export interface Realtime {
  /** The connection. Observing it connects; so does observing a log or the states. */
  readonly connection: Observable<ConnectionState>;
  /** The last `maxLines` (200) lines of a service, followed while they are observed. */
  logs(service: string | null | undefined, maxLines?: number): LogView;
  /** The states of the services, polled at least every `interval` (5000) ms while they are observed. */
  status(interval?: number): Observable<StatusSnapshot>;
  /** Sends an event once the session is accepted. What was not sent is forgotten when nobody needs the connection. */
  emit(event: string, ...args: unknown[]): void;
  /** Calls `handler` with each event of a name, whatever the socket. Returns how to stop. */
  on(event: string, handler: (...args: any[]) => void): () => void;
  /** Drops the connection and connects anew, also after the session was refused. */
  reconnect(): void;
  /** Reads the past of a log, once. */
  read(query: ReadQuery): Promise<LogPage>;
  /** Disconnects. */
  close(): void;
}

const MAX_WAITING = 100;

/**
 * Makes a store for one server. Nothing is connected until something of it is observed.
 *
 * @param url the server, e.g. `https://realtime.example`
 */
export function createRealtime(url: string, options: ConnectionOptions = {}): Realtime {
  return new Store(url, options);
}

class Store implements Realtime {
  readonly connection: Connection;
  private frames = new Frames();
  private states: StatusFeed;
  private history: History;
  private feeds = new Map<string, LogFeed>();
  private releases = new Map<LogReader, () => void>();
  private handlers = new Map<string, Set<(...args: any[]) => void>>();
  private waiting: [string, unknown[]][] = [];
  private ids = 0;

  constructor(url: string, options: ConnectionOptions) {
    this.connection = new Connection(url, options, this, this.frames);
    this.states = new StatusFeed(this.connection, () => this.problem, this.frames);
    this.history = new History(this.connection);
  }

  // -- for applications

  logs(service: string | null | undefined, maxLines?: number): LogView {
    return new LogView(this, service, maxLines, this.frames);
  }

  status(interval?: number): Observable<StatusSnapshot> {
    const states = this.states.every(interval);
    const subscribe: typeof states.subscribe = (run) => {
      const release = this.connection.hold();
      const stop = states.subscribe(run);
      return () => {
        stop();
        release();
      };
    };
    return { ...states, subscribe };
  }

  emit = (event: string, ...args: unknown[]): void => {
    if (this.connection.isReady) this.connection.emit(event, ...args);
    else if (this.waiting.push([event, args]) > MAX_WAITING) this.waiting.shift();
  };

  on = (event: string, handler: (...args: any[]) => void): (() => void) => {
    const handlers = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, handlers.add(handler));
    return () => handlers.delete(handler);
  };

  reconnect = (): void => this.connection.reconnect();

  read = (query: ReadQuery): Promise<LogPage> => this.history.read(query);

  close = (): void => {
    this.waiting = [];
    this.connection.close();
  };

  // -- for views

  attach(service: string, reader: LogReader): LogFeed {
    let feed = this.feeds.get(service);
    if (!feed) {
      const ended = (): void => void this.feeds.delete(service);
      feed = new LogFeed(service, this.connection, () => ++this.ids, ended);
      this.feeds.set(service, feed);
    }
    this.releases.set(reader, this.connection.hold());
    feed.add(reader);
    return feed;
  }

  detach(feed: LogFeed, reader: LogReader): void {
    feed.remove(reader);
    this.releases.get(reader)?.();
    this.releases.delete(reader);
  }

  get problem(): Problem | null {
    return this.connection.problemNow;
  }

  get nodeAway(): boolean {
    const state = this.connection.nodeState;
    return state !== undefined && state !== "connected";
  }

  // -- what the connection tells

  ready(): void {
    for (const feed of this.feeds.values()) feed.ready();
    this.states.ready();
    for (const [event, args] of this.waiting.splice(0)) this.connection.emit(event, ...args);
  }

  down(): void {
    for (const feed of [...this.feeds.values()]) feed.down();
    this.states.down();
    this.history.down();
    if (this.connection.isStopped) this.states.doubted(true);
    if (!this.connection.isHeld) this.waiting = []; // the next connection may be another session's
  }

  node(state: NodeState["state"]): void {
    if (state === "connected") this.states.ask();
    else this.states.doubted(state === "lost");
  }

  claims(problem: Problem): boolean {
    const about = problem.service ?? (problem.code ? undefined : this.namedIn(problem.message));
    const feed = about === undefined ? undefined : this.feeds.get(about);
    if (feed) feed.fail(problem);
    else if (problem.code === "status_unavailable" || /^Status check failed/.test(problem.message)) {
      this.states.fail(problem);
    } else return problem.service !== undefined || this.history.claims(problem);
    return true;
  }

  /** Servers without codes name the service in the sentence. */
  private namedIn(message: string): string | undefined {
    return [...this.feeds.keys()].find((service) => message.includes(service));
  }

  refresh(): void {
    for (const feed of this.feeds.values()) feed.changed();
    this.states.changed();
  }

  event(name: string, ...args: unknown[]): void {
    const payload = args[0];
    if (name === "log_data") this.lines((payload as LogLine)?.service, [payload as LogLine]);
    else if (name === "log_batch") this.batch(payload as LogBatch);
    else if (name === "status_update") this.states.take(payload as ServiceStatus[]);
    else if (name === "log_state") this.feedOf((payload as LogStateEvent)?.service)?.stateChanged(payload as LogStateEvent);
    this.dispatch(name, ...args);
  }

  private batch(batch: LogBatch): void {
    if (!Array.isArray(batch?.entries)) return;
    if (batch.service === undefined) for (const line of batch.entries) this.lines(line?.service, [line]);
    else this.lines(batch.service, batch.entries);
    if (this.handlers.get("log_data")?.size) for (const line of batch.entries) this.dispatch("log_data", line);
  }

  private lines(service: unknown, lines: LogLine[]): void {
    this.feedOf(service)?.take(lines);
  }

  private feedOf(service: unknown): LogFeed | undefined {
    return typeof service === "string" ? this.feeds.get(service) : undefined;
  }

  private dispatch(name: string, ...args: unknown[]): void {
    for (const handler of [...(this.handlers.get(name) ?? [])]) safely(() => handler(...args));
  }
}
