/** Slot view: the seconds of one slot, all services, with the time within the slot. */

import { deadlines, epochOf, slotStart } from "../model/slots.js";
import { LEVELS, MARK } from "../model/store.js";
import { visible } from "../model/text.js";
import { button, byId, h, icon, s, say } from "./dom.js";
import { OTHERS, grid } from "./side.js";
import { LEVEL_ICON } from "./signs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/store.js").Store} Store */

const LANE = 26;
const MOST_COLUMNS = 5;
/** Pixels of a letter of a lane's name, and how wide the names may be. */
const LETTER = 7.8;
const NAMES = { wide: 170, small: 108 };
const CORE = ["mevboost", "consensus", "execution", "validator"];

/** @typedef {{ number: number, start: number, seconds: number, store: Store, slots: number[], loading: boolean, problem: string }} SlotLines */

export class SlotView {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.root = h("section.slotv", { tabindex: -1, hidden: true });
    byId("stage").append(this.root);
  }

  /** @param {SlotLines | null} lines */
  draw(lines) {
    const was = !this.root.hidden;
    this.root.hidden = !lines;
    if (!lines) return;
    const app = this._app;
    const { number, start, store, slots, loading, problem } = lines;
    const network = app.live.network;
    const block = blockOf(lines);
    const sub = [network && `epoch ${epochOf(network, number).toLocaleString("en")}`, block !== undefined && `block ${Number(block).toLocaleString("en")}`, start && `began ${app.zone.clock(start)}`].filter(Boolean).join(", ");
    const head = h(
      "header",
      button("btn.plain", { "aria-label": "Slot before (left arrow)", onclick: () => app.slots.open(number - 1) }, icon("i-left")),
      h("h2.num", `Slot ${number.toLocaleString("en")}`),
      button("btn.plain", { "aria-label": "Slot after (right arrow)", onclick: () => app.slots.open(number + 1) }, icon("i-chevron")),
      h("span.sub.num", sub),
      button("btn.close", { onclick: () => app.slots.close() }, icon("i-close"), "Close"),
    );
    const found = order(store, slots);
    const names = found.length || !loading ? found : app.filters.services;
    const parts = [head];
    const said = sentences(lines, network ? deadlines(network)[0].at : NaN);
    if (said.length) parts.push(h("ul.say.num", said));
    if (problem) parts.push(h("p.none", visible(problem)));
    if (names.length) parts.push(/** @type {any} */ (this._lanes(lines, names)));
    if (found.length) parts.push(this._table(lines, names));
    else parts.push(h("p.none", loading ? "Reading…" : "No service printed anything in this slot."));
    this.root.setAttribute("aria-label", `Slot ${number}`);
    this.root.replaceChildren(...parts);
    if (!was) this.root.focus();
  }

  /** @param {SlotLines} lines @param {string[]} names */
  _lanes({ start, seconds, store, slots }, names) {
    const app = this._app;
    const width = Math.max(320, (this.root.clientWidth || 1120) - 32);
    const left = Math.min(app.small ? NAMES.small : NAMES.wide, Math.max(...names.map((name) => visible(name).length)) * LETTER + 16);
    const x = (/** @type {number} */ sec) => left + (Math.min(Math.max(sec, 0), seconds) / seconds) * (width - left - 20);
    const svg = s("svg.lanes", { viewBox: `0 0 ${width} ${names.length * LANE + 40}`, role: "img", "aria-label": "When in the slot each service printed a line" });
    const due = app.live.network ? deadlines(app.live.network) : [];
    /** @type {[number, string][]} */
    const rules = [[0, "0 s"], ...due.map((each) => /** @type {[number, string]} */ ([each.at, `${Math.round(each.at * 100) / 100} s${app.small ? "" : ` ${each.word}`}`])), [seconds, `${seconds} s`]];
    for (const [sec, word] of rules) svg.append(s("line.dead", { x1: x(sec), x2: x(sec), y1: 20, y2: names.length * LANE + 30 }), s("text", { x: x(sec), y: 12, "text-anchor": sec === seconds ? "end" : sec ? "middle" : "start" }, word));
    names.forEach((name, i) => {
      const y = 40 + i * LANE;
      const lane = s(`g.hue-${app.hue(name)}`, s("line.lane", { x1: left, x2: width - 20, y1: y, y2: y }), s("text.svcname", { x: 0, y: y + 4 }, s("title", visible(name)), shortened(visible(name), Math.floor((left - 14) / LETTER))));
      /** @type {number[]} */
      const seen = [];
      for (const slot of slots) {
        if (store.services[store.service[slot]] !== name || store.level[slot] === MARK) continue;
        const cx = x((store.time[slot] / 1000 - start) / 1000);
        const up = seen.some((other) => Math.abs(other - cx) < 11) ? 6 : 0;
        seen.push(cx);
        lane.append(dot(LEVELS[store.level[slot]], cx, y - up));
      }
      svg.append(lane);
    });
    return svg;
  }

  /** @param {SlotLines} lines @param {string[]} names */
  _table({ number, start, store, slots }, names) {
    const app = this._app;
    const due = app.live.network ? deadlines(app.live.network).map((each) => ({ at: start + each.at * 1000, text: each.text })) : [];
    const about = slots.map((slot) => store.eth[slot]).filter((eth) => eth && Number(eth.slot) === number);
    const blocks = new Set([blockOf({ start, store, slots }), ...about.flatMap((eth) => [eth?.block, eth?.hash])].filter((each) => each !== undefined));
    const named = (/** @type {number} */ slot) => {
      const eth = store.eth[slot];
      return Boolean(eth && (Number(eth.slot) === number || (eth.slot === undefined && (!blocks.size || blocks.has(eth.block) || blocks.has(eth.hash)))));
    };
    const columns = names.length > MOST_COLUMNS ? [...names.filter((name) => CORE.includes(name)), ...names.filter((name) => !CORE.includes(name))].slice(0, MOST_COLUMNS - 1) : names;
    return grid(app, store, slots, columns.length < names.length ? [...columns, OTHERS] : columns, "in slot", (slot) => `${store.time[slot] / 1000 < start ? "−" : "+"}${(Math.abs(store.time[slot] / 1000 - start) / 1000).toFixed(3)}`, { rules: due, dim: (slot) => !named(slot), fields: "all", without: new Set(["slot"]) });
  }

  /** @param {string} text */
  tell(text) {
    const said = this.root.querySelector(".sub");
    if (said) say(said, text);
  }
}

/** @param {string} name @param {number} most characters */
const shortened = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

/** @param {string} level @param {number} cx @param {number} cy */
function dot(level, cx, cy) {
  if (level === "warn") return s("path.dot-w", { d: `M${cx} ${cy - 7}l7 12h-14z` });
  if (level in LEVEL_ICON) return s("rect.dot-e", { x: cx - 5, y: cy - 5, width: 10, height: 10 });
  return s("circle.dot", { cx, cy, r: 5 });
}

/** The block of a slot: the first that a line in it speaks of. @param {Pick<SlotLines, "start" | "store" | "slots">} lines */
function blockOf({ start, store, slots }) {
  const first = slots.find((slot) => store.eth[slot]?.block !== undefined && store.time[slot] / 1000 >= start);
  return first === undefined ? undefined : store.eth[first]?.block;
}

/** Services by their first line in the slot. @param {Store} store @param {number[]} slots */
function order(store, slots) {
  const names = new Set();
  for (const slot of slots) if (store.level[slot] !== MARK) names.add(store.services[store.service[slot]]);
  return /** @type {string[]} */ ([...names]);
}

const SEEN = /\b(new block|block (was )?(received|imported|processed)|received (a )?block|imported (new )?(potential )?(chain segment|block)|synced new block|block from (gossip|peer))/i;
const PUBLISHED = /(publish|sent|submitt)\w*\b.{0,30}\battestation|attestations?\b.{0,20}\b(publish|sent|submitt)\w*/i;

/** Facts with times, and no causes. @param {SlotLines} lines @param {number} due seconds; NaN when not known */
function sentences({ number, start, store, slots }, due) {
  const into = (/** @type {number} */ slot) => (store.time[slot] / 1000 - start) / 1000;
  const ours = slots.filter((slot) => store.level[slot] !== MARK && into(slot) >= 0 && Number(store.eth[slot]?.slot ?? number) === number);
  const seen = ours.find((slot) => SEEN.test(store.message[slot]));
  const sent = ours.find((slot) => PUBLISHED.test(store.message[slot]));
  const out = [];
  const seconds = (/** @type {number} */ n) => `${n.toFixed(2)} s`;
  if (seen !== undefined) {
    const late = into(seen) - due;
    out.push(h("li", `Block first seen by ${visible(store.services[store.service[seen]])} `, h("b", seconds(into(seen))), ` into the slot${late > 0 ? `, ${seconds(late)} after attestations were due` : ""}`));
  }
  if (sent !== undefined) {
    const after = seen === undefined ? NaN : into(sent) - into(seen);
    out.push(h("li", "Attestations published at ", h("b", seconds(into(sent))), Number.isNaN(after) ? "" : `, ${seconds(Math.abs(after))} ${after < 0 ? "before" : "after"} the block`));
  }
  return out;
}

/** The lines of a slot that are held. @param {Store} store @param {number} number @param {number} start @param {number} seconds */
export function held(store, number, start, seconds) {
  if (!start) return store.order.filter((slot) => store.eth[slot]?.slot === number);
  return store.order.filter((slot) => store.time[slot] / 1000 >= start - 1_000 && store.time[slot] / 1000 < start + seconds * 1_000);
}

/** When a slot begins; 0 when its network is not known. @param {App} app @param {number} number */
export const startOf = (app, number) => (app.live.network ? slotStart(app.live.network, number) : 0);
