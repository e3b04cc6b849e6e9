/** Questions about the past: one at a time of each kind, which wait when the node has no place for them, and can be stopped. */

import { Refused } from "./wire/socket.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./model/pages.js").Page} Page */

/** Milliseconds for an answer, and between two tries when other searches have all places. */
const PATIENCE = 30_000;
const BETWEEN = 2_000;
const TRIES = 30;

export class Questions {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** The newest question of each kind: how to end it. @type {Map<unknown, () => void>} */
    this._newest = new Map();
  }

  /**
   * Ask for a page of the past. A newer question with the same `id` ends the older, here as on the server.
   *
   * @param {Record<string, unknown>} payload @returns {Promise<Page>} rejects with `Refused`
   */
  async ask(payload) {
    let over = false;
    /** @type {Promise<never>} */
    const ended = new Promise((_, fail) => {
      this._newest.get(payload.id)?.();
      this._newest.set(payload.id, () => {
        over = true;
        fail(new Refused("superseded", "It was stopped."));
      });
    });
    ended.catch(() => {}); // whoever asked hears of it from the race
    for (let tries = 1; ; tries++) {
      try {
        return await Promise.race([this._send(payload), ended]);
      } catch (problem) {
        if (over || /** @type {Refused} */ (problem).code !== "limit_reached" || tries >= TRIES) throw problem;
        if (payload.id !== "counts") this._app.said.tell("Another search of this node is running. Waiting.");
        await Promise.race([new Promise((done) => setTimeout(done, BETWEEN)), ended]);
      }
    }
  }

  /** Nobody wants to know it any more. The server is told by a small question of the same kind. @param {string} id */
  stop(id) {
    this._newest.get(id)?.();
    this._newest.delete(id);
    const [service] = this._app.live.services.keys();
    if (service) this._send({ services: [service], limit: 1, id }).catch(() => {});
  }

  /** @param {Record<string, unknown>} payload */
  _send(payload) {
    const { connection } = this._app;
    if (!connection) return Promise.reject(new Refused("closed", "There is no connection."));
    return /** @type {Promise<any>} */ (connection.ask("read_logs", payload, PATIENCE));
  }
}
