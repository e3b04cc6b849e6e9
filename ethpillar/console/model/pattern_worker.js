/** Runs a pattern of the user over lines, where it can be ended when it takes too long. */

import { hits, matches } from "./search.js";

self.onmessage = ({ data: { id, source, lines, where } }) => {
  const search = { text: "", words: [], pattern: new RegExp(source, "giu") };
  self.postMessage({ id, found: lines.map((/** @type {string} */ line) => (where ? hits(search, line) : matches(search, line))) });
};
