/**
 * What is copied or downloaded: as text or JSON lines, masked unless asked otherwise.
 *
 * Belongs here: re-reading what is shown with `mask`, and writing it. The server masks, as `node extract` does.
 */

import { iso } from "./store.js";

/** @typedef {import("./pages.js").Ask} Ask */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */
/** @typedef {import("./times.js").Zone} Zone */

const PAGE = 1_000;
export const MOST = 20_000;

/**
 * Read entries again, masked: the newest of a time, at most so many.
 *
 * @param {Ask} ask @param {Record<string, unknown>} what @param {number} [most]
 * @returns {Promise<LogEntry[]>} oldest first
 */
export async function masked(ask, what, most = MOST) {
  /** @type {LogEntry[][]} */
  const pages = [];
  let count = 0;
  /** @type {Record<string, unknown>} */
  let place = {};
  while (count < most) {
    const page = await ask({ ...what, ...place, mask: true, limit: Math.min(PAGE, most - count), id: "export" });
    pages.unshift(page.entries ?? []);
    count += page.entries?.length ?? 0;
    if (!page.before || !page.more) break;
    place = { before: page.before };
  }
  return pages.flat();
}

/** Entries as the page holds them. @param {Store} store @param {number[]} slots @returns {LogEntry[]} */
export function plain(store, slots) {
  return slots.flatMap((slot) => {
    const service = store.services[store.service[slot]];
    const timestamp = iso(store.time[slot]);
    const head = { service, timestamp, line: store.line[slot], message: store.message[slot], fields: store.fields[slot] ?? {}, component: store.component[slot] };
    return [head, ...(store.more[slot] ?? []).map((line) => ({ service, timestamp, line, continuation: true }))];
  });
}

/** @param {LogEntry[]} entries @param {"text" | "json"} kind @param {Zone} zone */
export function write(entries, kind, zone) {
  if (kind === "json") return entries.map((entry) => JSON.stringify({ ...entry, cursor: undefined })).join("\n") + "\n";
  return entries.map((entry) => `${entry.timestamp ? zone.iso(Date.parse(entry.timestamp)) : ""} ${entry.service}: ${entry.line}`).join("\n") + "\n";
}

/** A file's name, which tells no host. @param {string[]} services @param {number} now @param {"text" | "json"} kind */
export function fileName(services, now, kind) {
  const safe = services.slice(0, 3).map((name) => name.replace(/[^A-Za-z0-9_-]/g, "_"));
  const what = services.length > 3 ? `${services.length}-services` : safe.join("-");
  return `ethpillar-${what}-${new Date(now).toISOString().slice(0, 16).replace(/[-:]/g, "")}Z.${kind === "json" ? "jsonl" : "log"}`;
}
