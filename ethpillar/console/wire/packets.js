/**
 * Packets of Engine.IO 4 and Socket.IO 5, as text.
 *
 * Belongs here: reading and writing one packet in the default namespace. No socket, no clock.
 */

/**
 * @typedef {{ type: "open", pingInterval: number, pingTimeout: number }
 *   | { type: "close" } | { type: "ping", text: string } | { type: "noop" }
 *   | { type: "connect", sid: string }
 *   | { type: "refused", message: string, data: Record<string, unknown> }
 *   | { type: "disconnect" }
 *   | { type: "event", name: string, args: unknown[] }
 *   | { type: "ack", id: number, args: unknown[] }} Packet
 */

/**
 * Read one WebSocket message. A packet that makes no sense is a `noop`: a newer server may send what this does not know.
 *
 * @param {string} text
 * @returns {Packet}
 */
export function read(text) {
  const body = text.slice(1);
  switch (text[0]) {
    case "0": {
      const found = object(parse(body));
      return { type: "open", pingInterval: number(found.pingInterval, 25_000), pingTimeout: number(found.pingTimeout, 20_000) };
    }
    case "1":
      return { type: "close" };
    case "2":
      return { type: "ping", text: body };
    case "4":
      return message(body);
    default:
      return { type: "noop" };
  }
}

/** @param {string} text @returns {Packet} */
function message(text) {
  const kind = text[0];
  const [, id, rest] = /** @type {RegExpExecArray} */ (/^(\d*)([^]*)$/.exec(text.slice(1)));
  const found = parse(rest);
  if (kind === "0") return { type: "connect", sid: String(object(found).sid ?? "") };
  if (kind === "1") return { type: "disconnect" };
  if (kind === "2" && Array.isArray(found)) return { type: "event", name: String(found[0]), args: found.slice(1) };
  if (kind === "3" && id !== "" && Array.isArray(found)) return { type: "ack", id: Number(id), args: found };
  if (kind === "4") {
    const { message: words, data } = object(found);
    return { type: "refused", message: typeof words === "string" ? words : "", data: object(data) };
  }
  return { type: "noop" };
}

/** @param {unknown} auth @returns {string} */
export const connect = (auth) => `40${JSON.stringify(auth)}`;

/** @param {string} name @param {unknown[]} args @param {number} [id] of the ack that is wanted @returns {string} */
export const event = (name, args, id) => `42${id ?? ""}${JSON.stringify([name, ...args])}`;

/** @param {string} text @returns {string} */
export const pong = (text) => `3${text}`;

export const DISCONNECT = "41";

/** @param {string} text @returns {unknown} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function object(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? /** @type {Record<string, unknown>} */ (value) : {};
}

/** @param {unknown} value @param {number} other @returns {number} */
function number(value, other) {
  return typeof value === "number" && value > 0 ? value : other;
}
