/**
 * The page's connection: sockets one after the other, and on each of them the same session and the same logs.
 *
 * Belongs here: connecting again with backoff and jitter, waking from sleep. Which logs are followed is `logs.js`'s. It
 * must not know what is on the screen.
 */

import { Logs } from "./logs.js";
import { delay, meaning } from "./refusals.js";
import { Refused, Socket, clock } from "./socket.js";

/**
 * @typedef {object} LogEntry as `log_batch` has it
 * @property {string} line
 * @property {string | null} [timestamp] ISO 8601, UTC, microseconds
 * @property {string | null} [level]
 * @property {string | null} [component]
 * @property {string} [message]
 * @property {Record<string, string>} [fields]
 * @property {string | null} [cursor]
 * @property {boolean} [continuation]
 * @property {Record<string, number | string>} [eth]
 * @property {string} [boot]
 * @property {string} [service]
 */

/** @typedef {{ message: string, code?: string, service?: string, hint?: string }} WireError */

/**
 * What the header draws. `page`: between this page and its server; `node`: between the server and the node.
 *
 * @typedef {object} LinkState
 * @property {"connecting" | "up" | "down" | "ended" | "refused"} page
 * @property {"unknown" | "connected" | "reconnecting" | "lost"} node
 * @property {number} [retryAt] when the page, or the server, tries next, in milliseconds since the epoch
 * @property {number} [attempt]
 * @property {number} since when this began
 * @property {WireError} [problem] what refused the session, for good
 * @property {{ name?: string, zone?: string, clock_offset_ms?: number }} [about] the node
 */

/**
 * @typedef {object} Listener
 * @property {(state: LinkState) => void} state
 * @property {(service: string, entries: LogEntry[], resumed: boolean) => void} entries
 * @property {(payload: Record<string, unknown>) => void} logState
 * @property {(services: Record<string, unknown>[]) => void} status
 * @property {(error: WireError) => void} error
 */

export const STATUS_INTERVAL = 5_000;
const BETWEEN_TRIES = 2_000;
const TICK = 1_000;
/** A tick that comes later than this was slept through, by the machine or the tab. */
const SLEPT = 5_000;
const PROBE = 5_000;

export class Connection {
  /**
   * @param {() => import("./socket.js").Transport} open
   * @param {string} token
   * @param {Listener} listener
   * @param {import("./socket.js").Clock} [time]
   * @param {() => number} [random]
   */
  constructor(open, token, listener, time = clock, random = Math.random) {
    this._open = open;
    this._token = token;
    this._listener = listener;
    this._time = time;
    this._random = random;
    /** @type {Socket | null} */
    this._socket = null;
    this._attempt = 0;
    /** The server has told the node's state on this socket. */
    this._tells = false;
    this._cancel = () => {};
    this._cancelTick = () => {};
    this._lastTick = 0;
    this._lastTry = -Infinity;
    this._logs = new Logs((payload) => this._subscribe(payload), time);
    /** @type {LinkState} */
    this.state = { page: "connecting", node: "unknown", since: time.now() };
  }

  start() {
    this._lastTick = this._time.now();
    this._tick();
    this._connect();
  }

  /** Leave for good. */
  stop() {
    this._cancel();
    this._cancelTick();
    this._socket?.close();
    this._socket = null;
  }

  /** Follow a service's log, from now on and on each socket. @param {string} service */
  follow(service) {
    this._logs.follow(service);
  }

  /** @param {string} service @returns {boolean} */
  follows(service) {
    return this._logs.has(service);
  }

  /**
   * Ask the server for something. Rejects with `Refused`, whose `code` is the server's.
   *
   * @param {string} name @param {Record<string, unknown>} payload @param {number} [timeout]
   * @returns {Promise<Record<string, unknown>>}
   */
  async ask(name, payload, timeout) {
    if (!this._socket) throw new Refused("closed", "There is no connection.");
    const answer = /** @type {Record<string, unknown> | null} */ (await this._socket.call(name, payload, timeout));
    if (answer?.ok === true) return answer;
    if (answer === null || answer === undefined) throw new Refused("unknown_event", "This server does not know how.");
    const error = /** @type {WireError | undefined} */ (answer.error);
    throw new Refused(error?.code ?? "internal", error?.message ?? "The server did not say why.", error?.hint);
  }

  /** Somebody does not want to wait. */
  tryNow() {
    const now = this._time.now();
    if (now - this._lastTry < BETWEEN_TRIES) return;
    this._lastTry = now;
    if (this.state.page === "up" && this._socket && this.state.node !== "lost") this._socket.emit("authenticate", this._token);
    else this._connect();
  }

  /** The tab is looked at again, or the network is back. */
  wake() {
    if (this.state.page === "down") {
      this._attempt = 0;
      this.tryNow();
    } else if (this.state.page === "up" && this._socket?.overdue) this._socket.fail("The server has fallen silent.");
    else if (this.state.page === "up") this._probe();
  }

  /** The browser knows that there is no network. */
  offline() {
    this._socket?.fail("The network is gone.");
  }

  // -- sockets

  _connect() {
    this._cancel();
    this._socket?.close();
    const page = this.state.page === "down" || this.state.node === "lost" ? "down" : "connecting";
    if (page === "connecting") this._tell({ page, node: this.state.node });
    this._logs.again();
    this._tells = false;
    const socket = new Socket(
      this._open,
      { token: this._token },
      {
        connected: () => {},
        event: (name, args) => this._event(name, args[0]),
        refused: (message, data) => this._refused(message, data),
        closed: () => this._retry(),
      },
      this._time,
    );
    this._socket = socket;
  }

  _retry() {
    this._socket = null;
    if (this.state.page === "ended" || this.state.page === "refused" || this.state.node === "lost") return;
    const wait = delay(this._attempt++, this._random);
    this._tell({ page: "down", node: "unknown", retryAt: this._time.now() + wait, attempt: this._attempt });
    this._cancel();
    this._cancel = this._time.after(wait, () => this._connect());
  }

  /** @param {string} message @param {Record<string, unknown>} data */
  _refused(message, data) {
    const code = typeof data.code === "string" ? data.code : undefined;
    const problem = { message, code, hint: typeof data.hint === "string" ? data.hint : undefined };
    switch (meaning(code)) {
      case "ended":
        return this._over("ended", problem);
      case "refused":
        return this._over("refused", problem);
      case "away":
        return this._over("up", problem);
      default:
    }
    if (/Invalid or expired session/.test(message)) return this._over("ended", { ...problem, code: "session_expired" });
    this._retry();
  }

  /** @param {"ended" | "refused" | "up"} page "up": the server is there, and the node is given up @param {WireError} problem */
  _over(page, problem) {
    this._cancel();
    this._socket?.close();
    this._socket = null;
    this._tell({ page, node: page === "up" ? "lost" : "unknown", problem });
    this._listener.error(problem);
  }

  // -- events

  /** @param {string} name @param {any} payload */
  _event(name, payload) {
    switch (name) {
      case "authenticated":
        return this._authenticated();
      case "connection_state":
        return this._node(payload);
      case "log_batch":
        return this._entries(payload);
      case "log_data":
        return this._entries({ service: payload.service, entries: [payload] });
      case "log_state":
        return this._logState(payload);
      case "status_update":
        return this._listener.status(payload);
      case "error":
        return this._error(payload);
      default:
    }
  }

  _authenticated() {
    this._attempt = 0;
    const away = this.state.page === "up" && this.state.node === "reconnecting" && this._tells; // it says itself when the node is back
    if (!away && (this.state.page !== "up" || this.state.node !== "connected")) this._tell({ page: "up", node: "connected" });
    this._socket?.emit("subscribe_status", { interval: STATUS_INTERVAL });
    this._logs.subscribe();
  }

  /** @param {{ state: string, attempt?: number, retry_in?: number, node?: LinkState["about"] }} payload */
  _node({ state, attempt, retry_in, node }) {
    if (state !== "connected" && state !== "reconnecting" && state !== "lost") return;
    this._tells = true;
    const retryAt = retry_in === undefined ? undefined : this._time.now() + retry_in * 1000;
    this._tell({ page: "up", node: state, attempt, retryAt, about: node });
  }

  /** @param {WireError} error */
  _error(error) {
    if (error.code === "bad_request" && error.message === "There is no such event.") return; // whoever asked hears it from `ask`
    const means = error.service ? "" : meaning(error.code);
    if (means === "ended" || means === "refused") return this._over(means, error);
    if (means === "away" && this.state.node !== "lost") this._tell({ ...this.state, page: "up", node: "reconnecting" });
    if (error.service) this._logs.lost(error.service);
    this._listener.error(error);
  }

  // -- logs

  /** @param {Record<string, unknown>} payload */
  _subscribe(payload) {
    const socket = this._socket;
    return socket?.connected && this.state.page === "up" ? socket.call("subscribe_logs", payload, PROBE * 6) : null;
  }

  /** @param {{ service?: unknown, entries: LogEntry[] }} batch */
  _entries(batch) {
    for (const { service, entries, resumed } of this._logs.take(batch)) this._listener.entries(service, entries, resumed);
  }

  /** @param {Record<string, unknown>} payload */
  _logState(payload) {
    if (payload.state === "ended") this._logs.lost(String(payload.service), String(payload.reason));
    this._listener.logState(payload);
  }

  // -- time

  _tick() {
    const now = this._time.now();
    if (now - this._lastTick > TICK + SLEPT) this.wake();
    this._lastTick = now;
    this._cancelTick = this._time.after(TICK, () => this._tick());
  }

  /** A socket that slept may be dead without knowing it: it is asked for something small. */
  _probe() {
    const socket = this._socket;
    if (!socket?.connected) return;
    socket.call("subscribe_status", { interval: STATUS_INTERVAL }, PROBE).catch(() => {
      if (this._socket === socket) socket.fail("The server did not answer after sleep.");
    });
  }

  /** @param {Omit<LinkState, "since">} state */
  _tell(state) {
    const before = this.state;
    const same = before.page === state.page && before.node === state.node;
    const since = same ? before.since : this._time.now();
    this.state = { ...state, since, about: state.about ?? before.about };
    this._listener.state(this.state);
  }
}
