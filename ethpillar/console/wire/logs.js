/**
 * The logs that the page follows, on whichever socket it has.
 *
 * Belongs here: subscribing to all of them at once, so that the server merges them by time; resuming each after its last
 * cursor; trying again what was refused.
 */

/** @typedef {import("./connection.js").LogEntry} LogEntry */
/** @typedef {import("./connection.js").WireError} WireError */
/** @typedef {{ ok?: boolean, error?: WireError }} Answer */

export const BACKLOG = 500;
const RETRY = 60_000;

/** A followed log, and where it is. */
class Log {
  /** @param {string} service */
  constructor(service) {
    this.service = service;
    /** @type {string | null} */
    this.cursor = null;
    /** It is to be subscribed on this socket. */
    this.wanted = true;
    /** It is tried again later. */
    this.waits = false;
  }

  /** @param {LogEntry[]} entries */
  take(entries) {
    const last = entries.findLast((each) => each.cursor);
    if (last?.cursor) this.cursor = last.cursor;
  }
}

export class Logs {
  /**
   * @param {(payload: Record<string, unknown>) => Promise<unknown> | null} call subscribes; null while there is no socket for it
   * @param {import("./socket.js").Clock} time
   */
  constructor(call, time) {
    this._call = call;
    this._time = time;
    /** @type {Map<string, Log>} */
    this._logs = new Map();
    this._gathering = false;
    /** Those of a subscription that is not answered yet. @type {Set<Log>} */
    this._asked = new Set();
  }

  /** @param {string} service */
  has(service) {
    return this._logs.has(service);
  }

  /** Follow one more. Those that are added at the same time are subscribed together. @param {string} service */
  follow(service) {
    if (this._logs.has(service)) return;
    this._logs.set(service, new Log(service));
    if (this._gathering) return;
    this._gathering = true;
    queueMicrotask(() => {
      this._gathering = false;
      this.subscribe();
    });
  }

  /** There is another socket, on which nothing is subscribed. */
  again() {
    this._asked.clear();
    for (const log of this._logs.values()) log.wanted = true;
  }

  /** Subscribe what is not subscribed. */
  subscribe() {
    const wanted = [...this._logs.values()].filter((log) => log.wanted);
    if (wanted.length > 1) this._together(wanted);
    else for (const log of wanted) this._alone(log);
  }

  /** @param {Log} log */
  _alone(log) {
    const place = log.cursor ? { after: log.cursor } : { lines: BACKLOG };
    this._send([log], { service: log.service, batch: true, ...place }, (answer) => {
      if (answer.ok !== false) return;
      if (answer.error?.code !== "bad_request" || !log.cursor) return this._later(log);
      log.cursor = null; // the node has none like it: it may be another machine by now
      log.wanted = true;
      this._alone(log);
    });
  }

  /** @param {Log[]} logs */
  _together(logs) {
    const after = Object.fromEntries(logs.filter((log) => log.cursor).map((log) => [log.service, log.cursor]));
    const services = logs.map((log) => log.service);
    this._send(logs, { services, batch: true, lines: BACKLOG, after }, (answer) => {
      if (answer.ok !== false) return;
      if (answer.error?.code !== "bad_request") return logs.forEach((log) => this._later(log));
      for (const log of logs) log.wanted = true; // one of the cursors is none: which, is told when each is asked for
      for (const log of logs) this._alone(log);
    });
  }

  /** @param {Log[]} logs @param {Record<string, unknown>} payload @param {(answer: Answer) => void} answered */
  _send(logs, payload, answered) {
    const call = this._call(payload);
    if (!call) return;
    for (const log of logs) {
      log.wanted = false;
      this._asked.add(log);
    }
    call.then(
      (answer) => {
        for (const log of logs) this._asked.delete(log);
        answered(/** @type {Answer} */ (answer ?? {}));
      },
      () => {}, // the next socket subscribes anew
    );
  }

  /** @param {Log} log */
  _later(log) {
    if (log.waits) return;
    log.waits = true;
    this._time.after(RETRY, () => {
      log.waits = false;
      log.wanted = true;
      this.subscribe();
    });
  }

  /**
   * Take a batch: the entries of each service of it that is followed, and whether these go on where it was.
   *
   * @param {{ service?: unknown, entries: LogEntry[] }} batch
   * @returns {{ service: string, entries: LogEntry[], resumed: boolean }[]}
   */
  take({ service, entries }) {
    /** @type {Map<string, LogEntry[]>} */
    const parts = new Map();
    if (service !== undefined) parts.set(String(service), entries);
    else for (const entry of entries) parts.get(String(entry.service))?.push(entry) ?? parts.set(String(entry.service), [entry]);
    const found = [];
    for (const [name, some] of parts) {
      const log = this._logs.get(name);
      if (!log) continue;
      found.push({ service: name, entries: some, resumed: log.cursor !== null });
      log.take(some);
    }
    return found;
  }

  /** One of several could not be subscribed, or has ended. @param {string} service @param {unknown} [reason] of the end */
  lost(service, reason) {
    const log = this._logs.get(service);
    if (!log || (reason === undefined && !this._asked.has(log))) return;
    if (reason === "bad_request" && log.cursor) log.cursor = null; // the node has none like it
    else if (reason !== "session_changed") return this._later(log);
    log.wanted = true;
    this.subscribe();
  }
}
