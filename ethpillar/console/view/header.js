/** Header: who is connected to what, and in whose time. */

import { slotAt, slotStart } from "../model/slots.js";
import { visible } from "../model/text.js";
import { Memo, attribute, button, byId, h, icon, say, set } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const OFFSET_SHOWN = 500;

/** @param {import("../wire/connection.js").LinkState} link @param {boolean} token @returns {[string, string]} its tone and its word */
export function wordOf(link, token) {
  if (!token) return ["stopped", "No session"];
  if (link.page === "ended") return ["failed", "Session ended"];
  if (link.page === "refused") return ["failed", "Refused"];
  if (link.node === "lost") return ["failed", "Given up"];
  if (link.page === "down") return ["warn", "No connection"];
  if (link.page === "connecting") return ["warn", "Connecting"];
  return link.node === "connected" ? ["running", "Connected"] : ["warn", "Node out of reach"];
}

export class Header {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._node = h("span.node");
    this._server = h("i");
    this._way = h("i");
    this._word = h("b");
    this._chain = h("div.chain", { role: "img" }, h("span", "you"), this._server, h("span", "server"), this._way, h("span", "node"), this._word);
    this._head = h("span.head.num.wide");
    this._clock = h("span.head.is-warn");
    this._zone = button("btn.zone", { title: "Times in your zone, the node’s, or UTC (z)", onclick: () => app.look.nextZone() });
    this._theme = button("btn.plain.theme", { onclick: () => app.look.nextTheme() });
    this._more = button("btn.plain.menu", { "aria-label": "More", "aria-haspopup": "menu", onclick: () => app.menus.more(this._more) }, icon("i-more"));
    this._help = button("btn.plain.help", { "aria-label": "Keys", onclick: () => app.help.open() }, h("kbd", "?"));
    byId("top").append(h("h1", "ethpillar"), this._node, this._chain, h("span.space"), this._clock, this._head, this._zone, this._theme, this._help, this._more);
  }

  draw() {
    const { live, zone, token, now, look: { theme } } = this._app;
    const { link } = live;
    const [tone, word] = wordOf(link, Boolean(token));
    const server = link.page === "up" && link.node !== "lost" ? "" : link.page === "up" ? "" : link.page === "down" ? "broken" : "off";
    const node = link.page !== "up" ? "off" : link.node === "connected" ? "" : link.node === "unknown" ? "off" : "broken";
    const offset = link.about?.clock_offset_ms ?? 0;
    const slow = Math.abs(offset) >= OFFSET_SHOWN ? `node’s clock is ${(Math.abs(offset) / 1000).toFixed(1)} s ${offset < 0 ? "behind" : "ahead"}` : "";
    const slot = slotNow(this._app);
    if (!this._memo.changed(word, server, node, link.about, slow, slot, zone.name, theme)) return;
    say(this._node, visible(link.about?.name ?? ""));
    this._server.className = server;
    this._way.className = node;
    this._word.className = `is-${tone}`;
    say(this._word, word);
    attribute(this._chain, "aria-label", `You, server, node: ${word}`);
    say(this._head, slot);
    say(this._clock, slow);
    say(this._zone, zone.label(now()));
    say(this._theme, theme === "dark" ? "Light" : "Dark");
    set(this._theme, { "aria-label": theme === "dark" ? "Light colours" : "Dark colours" });
  }
}

/** "Slot 4,453,813, 6 s in", while that is known. @param {App} app */
export function slotNow({ live: { network, link }, now }) {
  if (!network || link.page !== "up" || link.node !== "connected") return "";
  const slot = slotAt(network, now());
  return `Slot ${slot.toLocaleString("en")}, ${Math.floor((now() - slotStart(network, slot)) / 1000)} s in`;
}
