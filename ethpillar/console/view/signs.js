/** Shapes and tones: one for one meaning, and what a mark in the stream looks like. */

import { visible } from "../model/text.js";
import { h, icon } from "./dom.js";

export const LEVEL_ICON = { warn: "s-warn", error: "s-error", critical: "s-critical" };
const SIGN = { gap: "s-warn", failed: "s-failed", restart: "s-loop", reboot: "s-loop", resumed: "s-running", away: "s-unknown" };
const TONE = { gap: "warn", failed: "failed", restart: "warn", reboot: "stopped", resumed: "running", away: "warn" };
/** @param {import("../model/store.js").Mark} mark @returns {HTMLElement} */
export function sign(mark) {
  return h(`div.sign.${mark.kind}`, h("p", h(`span.is-${TONE[mark.kind]}`, icon(SIGN[mark.kind])), h("b.num", h("bdi", visible(mark.text))), mark.more ? h("span.num", `. ${visible(mark.more)}.`) : "."));
}
