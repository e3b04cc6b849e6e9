/** Highlights of a search in the rows that are in the page, without a node more. */

import { h } from "./dom.js";

/** @typedef {import("./log.js").Log} Log */
/** @typedef {import("../app.js").App} App */
/** @typedef {{ text: Text, slot: number, hits: [number, number][] }} Found */

const MOST = 2_000;

/** @returns {any} the registry, where there is one */
const registry = () => /** @type {any} */ (CSS).highlights;

/** @param {Log} log @param {App} app */
export function highlight(log, app) {
  const known = registry();
  if (!known) unmark(log);
  const found = app.filters.marked ? find(log, app) : [];
  if (!known) return mark(found, app.filters.hit);
  if (!found.length) {
    known.delete("hit");
    known.delete("hit-now");
    return;
  }
  // Ranges that are not kept up to date: each of those that are costs at every change of the page.
  /** @type {StaticRange[]} */
  const ranges = [];
  /** @type {StaticRange[]} */
  const now = [];
  for (const { text, slot, hits: places } of found) {
    for (const [start, end] of places) {
      if (ranges.length >= MOST) break;
      const range = new StaticRange({ startContainer: text, startOffset: start, endContainer: text, endOffset: end });
      (slot === app.filters.hit ? now : ranges).push(range);
    }
  }
  const Highlight = /** @type {any} */ (globalThis).Highlight;
  known.set("hit", new Highlight(...ranges));
  known.set("hit-now", new Highlight(...now));
}

/** Texts of rows, with their hits. @param {Log} log @param {App} app @returns {Found[]} */
function find(log, app) {
  const all = [...log.items].flatMap(([slot, node]) => texts(node).map((text) => ({ text, slot })));
  const places = app.filters.hits(all.map(({ text }) => text.data));
  return all.map((each, i) => ({ ...each, hits: places[i] })).filter((each) => each.hits.length);
}

/**
 * The same by elements, where there is no registry.
 *
 * @param {Found[]} found @param {number} current the slot of the hit that was gone to
 */
function mark(found, current) {
  let left = MOST;
  for (const { text, slot, hits: places } of found) {
    let before = Infinity; // from the end on, and what overlaps is marked once
    for (const [start, end] of [...places].sort((a, b) => b[0] - a[0])) {
      if (end > before) continue;
      if (left-- <= 0) return;
      before = start;
      const hit = text.splitText(start);
      hit.splitText(end - start);
      const made = h(slot === current ? "mark.now" : "mark");
      hit.replaceWith(made);
      made.append(hit);
    }
  }
}

/** Rows without their marks: before other ones are made. @param {Log} log */
function unmark(log) {
  for (const each of log.root.querySelectorAll("mark")) {
    const parent = each.parentNode;
    each.replaceWith(...each.childNodes);
    parent?.normalize();
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
