/**
 * A link to what is looked at: `#at=CURSOR&show=execution,validator&level=warn&find=timeout`. Never the token.
 *
 * Belongs here: reading and writing the fragment. Pure.
 */

/**
 * @typedef {object} Place
 * @property {string} [at] a cursor
 * @property {number} [time] milliseconds
 * @property {number} [slot]
 * @property {string[]} [show]
 * @property {string} [level]
 * @property {string} [find]
 * @property {boolean} [side]
 */

const CURSOR = /^[A-Za-z0-9=;:_-]{1,512}$/;

/** The token in a fragment, and the fragment without it. @param {string} fragment @returns {{ token: string, rest: string }} */
export function takeToken(fragment) {
  const params = new URLSearchParams(fragment.replace(/^#/, ""));
  const token = params.get("token") ?? "";
  params.delete("token");
  const rest = params.toString();
  return { token: token.trim(), rest: rest ? `#${rest}` : "" };
}

/** @param {string} fragment @returns {Place} */
export function read(fragment) {
  const params = new URLSearchParams(fragment.replace(/^#/, ""));
  /** @type {Place} */
  const place = {};
  const at = params.get("at");
  if (at && CURSOR.test(at)) place.at = at;
  for (const key of /** @type {const} */ (["time", "slot"])) {
    const value = Number(params.get(key));
    if (params.has(key) && Number.isSafeInteger(value) && value > 0) place[key] = value;
  }
  const show = params.get("show")?.split(",").filter(Boolean);
  if (show?.length) place.show = show;
  const level = params.get("level");
  if (level === "warn" || level === "error") place.level = level;
  const find = params.get("find");
  if (find) place.find = find;
  if (params.get("side") === "1") place.side = true;
  return place;
}

/** @param {Place} place @returns {string} */
export function write(place) {
  const params = new URLSearchParams();
  if (place.at) params.set("at", place.at);
  if (place.time) params.set("time", String(place.time));
  if (place.slot) params.set("slot", String(place.slot));
  if (place.show?.length) params.set("show", place.show.join(","));
  if (place.level) params.set("level", place.level);
  if (place.find) params.set("find", place.find);
  if (place.side) params.set("side", "1");
  const text = params.toString();
  return text ? `#${text}` : "";
}
