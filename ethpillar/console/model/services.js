/**
 * Services and their states, as the rail shows them.
 *
 * Belongs here: which shape and word a state has, what is said about it, and what is remembered between updates:
 * restarts, memory, when it was seen. Pure, with the clock handed in.
 */

import { MINUTE, span } from "./times.js";
import { capital, count, memory } from "./text.js";

/**
 * @typedef {object} Status one of a `status_update`
 * @property {string} service
 * @property {string} status
 * @property {string | null} [sub_state]
 * @property {string | null} [description]
 * @property {string | null} [client]
 * @property {string | null} [since]
 * @property {number | null} [restarts]
 * @property {number | null} [memory_bytes]
 * @property {boolean | null} [enabled]
 * @property {string | null} [result]
 * @property {number | null} [exit_status]
 * @property {string[]} [last_lines]
 * @property {string} [at]
 */

/** @typedef {"running" | "starting" | "stopped" | "failed" | "loop" | "unknown"} Shape */

export const LOOP_RESTARTS = 3;
export const LOOP_WINDOW = 10 * MINUTE;
const MEMORY_POINTS = 60;
const MEMORY_EVERY = MINUTE;
const HUES = 6;
/** These have a colour that no other service has. */
const CORE = ["execution", "consensus", "validator", "mevboost"];

export class Service {
  /** @param {string} name @param {number} order */
  constructor(name, order) {
    this.name = name;
    const own = CORE.indexOf(name);
    this.hue = own >= 0 ? own + 1 : CORE.length + (order % (HUES - CORE.length)) + 1;
    this.order = order;
    /** @type {Status} */
    this.status = { service: name, status: "unknown" };
    /** What it was before it became unknown. */
    this.was = "";
    /** Moments of restarts that are known, in order. @type {number[]} */
    this.restarts = [];
    /** @type {{ at: number, bytes: number }[]} */
    this.memory = [];
    /** When it was seen to be gone from the node; milliseconds. */
    this.gone = NaN;
  }

  /** @param {Status} status @param {number} now */
  update(status, now) {
    const before = this.status;
    const by = (status.restarts ?? 0) - (before.restarts ?? status.restarts ?? 0);
    if (by > 0 && before.status !== "unknown") {
      const at = Date.parse(status.since ?? "") || now;
      const counted = this.restarts.filter((each) => each > at - LOOP_WINDOW && each > (this._counted ?? 0)).length;
      for (let i = counted; i < by; i++) this.restarted(at - (by - 1 - i));
      this._counted = at;
    }
    if (status.status === "unknown") this.was = this.was || (before.status === "unknown" ? "" : before.status);
    else this.was = "";
    if (status.status === "not_installed" && before.status !== "not_installed") this.gone = now;
    this.status = status.status === "unknown" ? { ...before, ...known(status) } : status;
    if (status.memory_bytes) this._remember(status.memory_bytes, now);
  }

  /** It was restarted. One that is known already is passed over. @param {number} at */
  restarted(at) {
    if (this.restarts.some((each) => Math.abs(each - at) < 1_500)) return;
    this.restarts.push(at);
    this.restarts.sort((a, b) => a - b);
    if (this.restarts.length > 200) this.restarts.shift();
  }

  /** Restarts in the last ten minutes. @param {number} now */
  recent(now) {
    return this.restarts.filter((at) => at > now - LOOP_WINDOW && at <= now + MINUTE);
  }

  /** @param {number} now */
  loops(now) {
    const { status, sub_state } = this.status;
    if (this.recent(now).length < LOOP_RESTARTS) return false;
    return status === "activating" || sub_state === "auto-restart" || (status === "active" && now - this.since < 2 * MINUTE);
  }

  get since() {
    return Date.parse(this.status.since ?? "");
  }

  get client() {
    return this.status.client || this.status.description?.split(" ")[0] || "";
  }

  get failed() {
    return this.status.status === "failed";
  }

  /** @param {number} bytes @param {number} now */
  _remember(bytes, now) {
    const last = this.memory.at(-1);
    if (last && now - last.at < MEMORY_EVERY && this.memory.length > 20) last.bytes = bytes;
    else this.memory.push({ at: now, bytes });
    if (this.memory.length > MEMORY_POINTS) this.memory.shift();
  }
}

/** What an update says, without what it does not know. @param {Status} status @returns {Status} */
const known = (status) => /** @type {Status} */ (Object.fromEntries(Object.entries(status).filter(([, value]) => value !== null)));

/** Results of systemd's after which the exit status is the number of a signal. */
const SIGNALLED = new Set(["signal", "core-dump", "watchdog"]);

/** How a unit ended: what its status is, and which. @param {{ exit_status?: number | null, result?: string | null }} status @returns {["exit status" | "signal" | "result", string] | null} */
export function ending({ exit_status, result }) {
  if (!exit_status) return result && result !== "success" ? ["result", result] : null;
  const signal = SIGNALLED.has(result ?? "") || (result === "oom-kill" && exit_status === 9);
  return [signal ? "signal" : "exit status", String(exit_status)];
}

/** @param {Service} service @param {number} now @returns {{ shape: Shape, word: string }} */
export function stateOf(service, now) {
  const { status, sub_state } = service.status;
  if (status === "unknown") return { shape: "unknown", word: "unknown" };
  if (service.loops(now)) return { shape: "loop", word: "restarting" };
  switch (status) {
    case "active":
      return { shape: "running", word: "running" };
    case "activating":
      return { shape: "starting", word: sub_state === "auto-restart" ? "restarting" : "starting" };
    case "reloading":
      return { shape: "starting", word: "reloading" };
    case "deactivating":
      return { shape: "starting", word: "stopping" };
    case "failed":
      return { shape: "failed", word: "failed" };
    case "not_installed":
      return { shape: "stopped", word: "removed" };
    case "inactive":
      return { shape: "stopped", word: "stopped" };
    default:
      return { shape: "unknown", word: "unknown" };
  }
}

const WAS = { active: "running", activating: "starting", inactive: "stopped", failed: "failed", reloading: "reloading", deactivating: "stopping" };

/** The second line of a row. @param {Service} service @param {number} now @param {(ms: number) => string} [minute] writes a time of day */
export function facts(service, now, minute) {
  const { status, memory_bytes, enabled } = service.status;
  const ago = Number.isNaN(service.since) ? "" : span(now - service.since);
  const client = service.client;
  if (status === "unknown") return join(client, service.was ? `was ${WAS[/** @type {keyof WAS} */ (service.was)] ?? service.was}` : "");
  if (status === "not_installed") return minute && !Number.isNaN(service.gone) ? `gone since ${minute(service.gone)}` : "gone from the node";
  if (status === "inactive") return join(client, enabled === false ? "switched off" : ago && `stopped ${ago} ago`);
  if (status === "failed") return join(client, ago && `${ago} ago`);
  return join(client, ago, memory_bytes ? memory(memory_bytes) : "");
}

/** @param {...string} parts */
const join = (...parts) => parts.filter(Boolean).join(" · ");

/** The third line, when something is wrong. @param {Service} service @param {number} now */
export function why(service, now) {
  const how = ending(service.status)?.join(" ") ?? "";
  if (service.loops(now)) {
    const { length, [0]: first } = service.recent(now);
    return [`${count(length, "restart")} in ${span(Math.max(now - first, MINUTE))}`, how].filter(Boolean).join(", ");
  }
  if (!service.failed) return "";
  const { restarts } = service.status;
  return capital(how || "result unknown") + (restarts ? ` after ${count(restarts, "restart")}` : "");
}

/** Failing first, then the node's order. @param {Service[]} services @param {number} now */
export function sorted(services, now) {
  const rank = { failed: 0, loop: 0, starting: 1 };
  const of = (/** @type {Service} */ each) => rank[/** @type {keyof rank} */ (stateOf(each, now).shape)] ?? 2;
  return [...services].sort((a, b) => of(a) - of(b) || a.order - b.order);
}
