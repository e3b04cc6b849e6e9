/** Highlights of a search in the rows that are in the page, without a node more. */

import { hits } from "../model/search.js";
import { h } from "./dom.js";

/** @typedef {import("./log.js").Log} Log */
/** @typedef {import("../app.js").App} App */

const MOST = 2_000;

/** @returns {any} the registry, where there is one */
const registry = () => /** @type {any} */ (CSS).highlights;

/** @param {Log} log @param {App} app */
export function highlight(log, app) {
  const found = registry();
  const { search } = log.shown.filter;
  if (!found) return marked(log, search, app.filters.hit);
  if (!search) {
    found.delete("hit");
    found.delete("hit-now");
    return;
  }
  /** @type {Range[]} */
  const ranges = [];
  /** @type {Range[]} */
  const now = [];
  const pattern = search.pattern && new Set(log.shown.hits.slice(-5_000)); // a pattern runs here only over lines that a worker has had
  for (const [slot, node] of log.items) {
    if (pattern && !pattern.has(slot)) continue;
    for (const text of texts(node)) {
      for (const [start, end] of hits(search, text.data)) {
        if (ranges.length >= MOST) break;
        const range = new Range();
        range.setStart(text, start);
        range.setEnd(text, end);
        (slot === app.filters.hit ? now : ranges).push(range);
      }
    }
  }
  const Highlight = /** @type {any} */ (globalThis).Highlight;
  found.set("hit", new Highlight(...ranges));
  found.set("hit-now", new Highlight(...now));
}

/**
 * The same by elements, where there is no registry.
 *
 * @param {Log} log @param {import("../model/search.js").Search | null} search @param {number} current the slot of the hit that was gone to
 */
function marked(log, search, current) {
  for (const mark of log.root.querySelectorAll("mark")) {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent?.normalize();
  }
  if (!search) return;
  const pattern = search.pattern && new Set(log.shown.hits.slice(-5_000));
  let left = MOST;
  for (const [slot, node] of log.items) {
    if (pattern && !pattern.has(slot)) continue;
    for (const text of texts(node)) {
      let before = Infinity; // from the end on, and what overlaps is marked once
      for (const [start, end] of hits(search, text.data).sort((a, b) => b[0] - a[0])) {
        if (end > before) continue;
        if (left-- <= 0) return;
        before = start;
        const hit = text.splitText(start);
        hit.splitText(end - start);
        const mark = h(slot === current ? "mark.now" : "mark");
        hit.replaceWith(mark);
        mark.append(hit);
      }
    }
  }
}

/** The texts of a row that came from the node. @param {HTMLElement} node @returns {Text[]} */
function texts(node) {
  const out = [];
  for (const part of node.querySelectorAll(".msg bdi, .trace, .whole bdi, .msg .f a")) for (const child of part.childNodes) out.push(...leaves(child));
  return out;
}

/** @param {Node} node @returns {Text[]} */
function leaves(node) {
  if (node instanceof Text) return [node];
  return [...node.childNodes].flatMap(leaves);
}
