/**
 * One Socket.IO connection over one WebSocket, from its opening to its end.
 *
 * Belongs here: the handshake, acks, the answer to pings, and noticing that the server has fallen silent. It does not
 * connect again: `connection.js` does.
 */

import * as packets from "./packets.js";

/**
 * @typedef {object} Handlers
 * @property {(name: string, args: unknown[]) => void} event
 * @property {() => void} connected
 * @property {(message: string, data: Record<string, unknown>) => void} refused the server said why, and nothing follows
 * @property {(reason: string) => void} closed nothing follows; not called after `refused` or `close()`
 */

/**
 * @typedef {object} Transport as a WebSocket is one
 * @property {(text: string) => void} send
 * @property {() => void} close
 * @property {((event: { data: unknown }) => void) | null} onmessage
 * @property {((event: unknown) => void) | null} onclose
 */

/** @typedef {{ now: () => number, after: (ms: number, act: () => void) => () => void }} Clock `after` returns what cancels it */

/** @type {Clock} */
export const clock = {
  now: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

/** Milliseconds for opening and the answer to CONNECT, which may wait 8 s for a node's first login. */
export const OPENING = 20_000;
/** Milliseconds for an ack, unless its caller says else. */
export const ACK = 15_000;

export class Refused extends Error {
  /** @param {string} code @param {string} message @param {string} [hint] */
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export class Socket {
  /**
   * @param {() => Transport} open
   * @param {unknown} auth what CONNECT carries
   * @param {Handlers} handlers
   * @param {Clock} [time]
   */
  constructor(open, auth, handlers, time = clock) {
    this._auth = auth;
    this._handlers = handlers;
    this._time = time;
    this._silence = OPENING;
    /** @type {Map<number, { settle: (answer: unknown) => void, fail: (error: Error) => void, cancel: () => void }>} */
    this._acks = new Map();
    this._lastAck = 0;
    this._open = true;
    this.connected = false;
    /** When the server was last heard, in milliseconds of the clock. */
    this.heard = time.now();
    this._cancelWatch = time.after(OPENING, () => this._watch());
    this._transport = open();
    this._transport.onmessage = ({ data }) => this._receive(String(data));
    this._transport.onclose = () => this._end("The connection was closed.");
  }

  /** Send an event. @param {string} name @param {...unknown} args */
  emit(name, ...args) {
    if (this.connected) this._transport.send(packets.event(name, args));
  }

  /**
   * Send an event and wait for its ack.
   *
   * @param {string} name @param {unknown} payload @param {number} [timeout] milliseconds
   * @returns {Promise<unknown>} the ack's first argument. Rejects with `Refused`: `closed` or `timeout`.
   */
  call(name, payload, timeout = ACK) {
    if (!this.connected) return Promise.reject(new Refused("closed", "There is no connection."));
    const id = ++this._lastAck;
    return new Promise((settle, fail) => {
      const cancel = this._time.after(timeout, () => {
        this._acks.delete(id);
        fail(new Refused("timeout", "The server did not answer in time."));
      });
      this._acks.set(id, { settle, fail, cancel });
      this._transport.send(packets.event(name, [payload], id));
    });
  }

  /** Leave. Nothing is called after this. */
  close() {
    if (!this._open) return;
    if (this.connected) this._transport.send(packets.DISCONNECT);
    this._stop();
  }

  /** Whether the server should have been heard by now. */
  get overdue() {
    return this._time.now() >= this.heard + this._silence;
  }

  /** The network is known to be gone. @param {string} reason */
  fail(reason) {
    this._end(reason);
  }

  /** @param {string} text */
  _receive(text) {
    if (!this._open) return;
    this.heard = this._time.now();
    const packet = packets.read(text);
    switch (packet.type) {
      case "open":
        this._silence = packet.pingInterval + packet.pingTimeout;
        return this._transport.send(packets.connect(this._auth));
      case "ping":
        return this._transport.send(packets.pong(packet.text));
      case "connect":
        this.connected = true;
        return this._handlers.connected();
      case "event":
        return this._handlers.event(packet.name, packet.args);
      case "ack":
        return this._settle(packet.id, packet.args[0]);
      case "refused":
        this._stop();
        return this._handlers.refused(packet.message, packet.data);
      case "disconnect":
        return this._end("The server ended the connection.");
      case "close":
        return this._end("The connection was closed.");
      default:
    }
  }

  /** @param {number} id @param {unknown} answer */
  _settle(id, answer) {
    const waiting = this._acks.get(id);
    this._acks.delete(id);
    waiting?.cancel();
    waiting?.settle(answer);
  }

  _watch() {
    const left = this.heard + this._silence - this._time.now();
    if (left <= 0) return this._end("The server has fallen silent.");
    this._cancelWatch = this._time.after(left, () => this._watch());
  }

  /** @param {string} reason */
  _end(reason) {
    if (!this._open) return;
    this._stop();
    this._handlers.closed(reason);
  }

  _stop() {
    this._open = false;
    this.connected = false;
    this._cancelWatch();
    this._transport.onmessage = this._transport.onclose = null;
    this._transport.close();
    for (const { fail, cancel } of this._acks.values()) {
      cancel();
      fail(new Refused("closed", "The connection was closed."));
    }
    this._acks.clear();
  }
}
