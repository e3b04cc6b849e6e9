/**
 * Marks in the stream: what happened between two lines.
 *
 * Belongs here: reading systemd's own lines about a unit, and the sentences of marks. Pure.
 */

import { ending } from "./services.js";
import { capital, ordinal } from "./text.js";
import { exactSpan } from "./times.js";

/** @typedef {import("./store.js").Mark} Mark */
/** @typedef {import("../wire/connection.js").LogEntry} LogEntry */

/** What a line of systemd's means; null for every other line. @param {string} service @param {LogEntry} entry @returns {Mark | null} */
export function ofManager(service, entry) {
  if (entry.component !== `${service}.service` || !entry.message) return null;
  const restart = /^Scheduled restart job, restart counter is at (\d+)\.$/.exec(entry.message);
  if (restart) return { kind: "restart", text: `systemd restarted ${service}${again(Number(restart[1]))}` };
  if (/^Start request repeated too quickly\.$/.test(entry.message)) return { kind: "failed", text: `${service} failed`, more: "systemd has stopped trying" };
  return null;
}

/** systemd counts from the last time that the unit was started by hand. @param {number} times */
const again = (times) => (times > 1 ? ` for the ${ordinal(times)} time` : "");

/** @param {string} service @param {{ exit_status?: number | null, result?: string | null, restarts?: number | null }} status @returns {Mark} */
export function failed(service, { restarts, ...status }) {
  const how = capital(ending(status)?.join(" ") ?? "");
  const tries = restarts ? `systemd has stopped trying after ${restarts} restart${restarts === 1 ? "" : "s"}` : "";
  return { kind: "failed", text: `${service} failed`, more: [how, tries].filter(Boolean).join(". ") };
}

/** @param {Record<string, unknown>} state a `log_state` of a gap, or one of a page's `gaps` @param {(ms: number) => string} clock @returns {Mark} */
export function gap({ reason, from, to, skipped }, clock) {
  const [start, end] = [from, to].map((each) => Date.parse(String(each ?? "")));
  if (reason === "slow") return { kind: "gap", text: `${Number(skipped ?? 0).toLocaleString("en")} lines were skipped`, more: "This page was too slow" };
  const known = !Number.isNaN(start) && !Number.isNaN(end);
  const text = known ? `${exactSpan(end - start)} are missing, ${clock(start)} to ${clock(end)}` : "Lines are missing here";
  const why = { damaged: "The node’s journal is damaged here", order: "The node’s clock was set back here" };
  return { kind: "gap", text, more: why[/** @type {keyof why} */ (reason)] ?? "The node’s journal no longer has these lines" };
}

/** Who is out of reach: the node, or this page's own server. @typedef {"node" | "server"} End */

/** @param {End} end @param {number} since @param {(ms: number) => string} clock @returns {Mark} */
export const away = (end, since, clock) => ({ kind: "away", text: `No connection to the ${end} since ${clock(since)}`, more: `Nothing is lost: the log goes on from here when the ${end} is back` });

/** @param {End} end @param {number} ms @param {boolean} missing whether it is known already that lines are missing @returns {Mark} */
export const resumed = (end, ms, missing) => ({ kind: "resumed", text: `The connection to the ${end} came back after ${exactSpan(ms)}`, more: missing ? undefined : "No line was lost" });

/** @param {number} at @param {(ms: number) => string} clock @returns {Mark} */
export const ended = (at, clock) => ({ kind: "away", text: `The session ended at ${clock(at)}`, more: "No more lines come here" });

/** @param {number} down milliseconds between the last line before and the first after @returns {Mark} */
export const reboot = (down) => ({ kind: "reboot", text: "The node restarted", more: Number.isFinite(down) && down > 0 ? `It was down for ${exactSpan(down)}` : undefined });
