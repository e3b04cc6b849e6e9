/**
 * The verdict: one sentence for the person who was woken, the worst thing first.
 *
 * Belongs here: which sentence it is. It lists facts and guesses no causes. Pure, with the clock handed in.
 */

import { LOOP_WINDOW, ending, stateOf } from "./services.js";
import { capital, count, inWords, list } from "./text.js";
import { HOUR, MINUTE, exactSpan, span } from "./times.js";

/** @typedef {import("./services.js").Service} Service */
/** @typedef {import("../wire/connection.js").LinkState} LinkState */

/**
 * @typedef {object} Verdict
 * @property {"running" | "failed" | "loop" | "warn" | "unknown" | "stopped" | "starting"} shape
 * @property {string} words
 * @property {string} aside
 * @property {"try" | "dashboard" | null} button
 * @property {boolean} [alarm] it is to be spoken at once
 */

/**
 * @typedef {object} Situation
 * @property {boolean} token whether there is one
 * @property {LinkState} link
 * @property {Service[]} services
 * @property {boolean} known whether an update has come
 * @property {number} lastError milliseconds; NaN for none
 * @property {number} errorsInHour
 * @property {{ service: string, rate: number, usual: [number, number] | null } | null} [flood] lines a second
 * @property {{ service: string, since: number, usual: number } | null} [silent] seconds between lines
 * @property {(ms: number) => string} clock
 * @property {number} now
 */

const UP = new Set(["active", "reloading"]);

/** @param {Situation} s @returns {Verdict} */
export function verdict(s) {
  return wayThere(s) ?? trouble(s) ?? calm(s);
}

/** @param {Verdict["shape"]} shape @param {string} words @param {string} [aside] @param {Verdict["button"]} [button] @returns {Verdict} */
const say = (shape, words, aside = "", button = null) => ({ shape, words, aside, button });

/** @param {Situation} s @returns {Verdict | null} */
function wayThere({ token, link, known, now, clock }) {
  if (!token) return say("unknown", "Paste the session’s token to look at its node.");
  const left = link.retryAt ? Math.max(0, Math.ceil((link.retryAt - now) / 1000)) : 0;
  if (link.page === "ended") return say("unknown", "This session has ended. Nothing below is up to date.", `Ended at ${clock(link.since)}`, "dashboard");
  if (link.page === "refused") return say("unknown", link.problem?.message ?? "The node refused this session.", link.problem?.hint, "dashboard");
  if (link.node === "lost") return say("unknown", "This server has stopped trying to reach the node.", `Last try at ${clock(link.since)}`, "try");
  if (link.page === "down") return say("unknown", "This page has no connection to its server.", `${left ? `Trying again in ${left} s` : "Trying now"}. Your own network may be down.`, "try");
  if (link.node === "reconnecting") {
    const tries = link.attempt ? `Try ${link.attempt}${left ? ` in ${left} s` : ""}. ` : "";
    const away = now - link.since;
    return say("unknown", away < 1_000 ? "The node is out of reach." : `The node has been out of reach for ${exactSpan(away)}.`, `${tries}Check that the node is up and that its SSH port is open to this server.`, "try");
  }
  if (link.page === "connecting" || !known) return say("starting", "Connecting to the node…", link.page === "up" ? "Asking for its services" : "Logging in over SSH");
  return null;
}

/** @param {Situation} s @returns {Verdict | null} */
function trouble({ services, now, clock, flood, silent, errorsInHour }) {
  const failed = services.filter((each) => each.failed);
  if (failed.length) {
    const one = failed.length === 1;
    const since = Math.max(...failed.map((each) => each.since));
    const words = one ? `${failed[0].name} has failed and is not being restarted.` : `${list(failed.map((each) => each.name))} have failed.`;
    return { ...say("failed", words, Number.isNaN(since) ? "" : `Since ${clock(since)}, ${span(now - since)} ago`), alarm: true };
  }
  const looping = services.find((each) => each.loops(now));
  if (looping) {
    const recent = looping.recent(now);
    const times = `${count(recent.length, "time")} in ${span(Math.max(now - recent[0], MINUTE))}`;
    const how = ending(looping.status)?.join(" ");
    return { ...say("loop", `${looping.name} is restarting over and over: ${times}.`, how ? `Each time with ${how}` : ""), alarm: true };
  }
  if (services.some((each) => each.status.status === "unknown")) return say("unknown", "The states of the services are not known at the moment.", "The node does not answer");
  const last = services.map((each) => ({ each, at: each.restarts.at(-1) ?? -Infinity })).sort((a, b) => b.at - a.at)[0];
  if (last && now - last.at < LOOP_WINDOW) {
    const others = calm({ services, lastError: NaN, now });
    return say("warn", `${last.each.name} restarted ${span(now - last.at)} ago. ${others.words}`, errorsInHour ? `${count(errorsInHour, "error")} in the last hour` : "");
  }
  if (silent) return say("warn", `${silent.service} has printed nothing for ${span(now - silent.since)}.`, `Usually every ${Math.max(1, Math.round(silent.usual))} s`);
  if (flood) return say("warn", `${flood.service} prints ${Math.round(flood.rate).toLocaleString("en")} lines a second.`, `${usually(flood.usual)}Is debug logging on?`);
  return null;
}

/** @param {{ services: Service[], lastError: number, now: number }} s @returns {Verdict} */
function calm({ services, lastError, now }) {
  const there = services.filter((each) => each.status.status !== "not_installed");
  if (!there.length) return say("stopped", "This node has no Ethereum services yet.");
  const wanted = there.filter((each) => UP.has(each.status.status) || each.status.enabled !== false);
  const up = wanted.filter((each) => UP.has(each.status.status));
  const error = Number.isNaN(lastError) || now - lastError > 24 * HOUR ? "" : `Last error ${span(now - lastError)} ago`;
  const down = wanted.filter((each) => !UP.has(each.status.status));
  if (!wanted.length) return say("stopped", "No service is running.", error);
  if (!down.length) {
    const words = up.length === 1 ? `${up[0].name} is running.` : `All ${inWords(up.length)} services are running.`;
    return say("running", words, error);
  }
  const not = down.map((each) => `${each.name} is ${stateOf(each, now).word}`);
  return say(down.some((each) => each.status.status === "inactive") ? "stopped" : "starting", `${list(not)}. ${capital(inWords(up.length))} of ${inWords(wanted.length)} are running.`, error);
}

/** @param {[number, number] | null} usual lines a second */
const usually = (usual) => (usual ? `Usually ${usual[0] === usual[1] ? "" : usual[0] ? `${usual[0]} to ` : "up to "}${usual[1]}. ` : "");

/** What the tab's title begins with. @type {Record<Verdict["shape"], string>} */
export const SIGNS = { running: "●", warn: "▲", loop: "↻", failed: "✕", unknown: "?", stopped: "○", starting: "?" };
