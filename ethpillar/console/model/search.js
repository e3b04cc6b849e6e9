/**
 * What is searched for: words, or a pattern between slashes.
 *
 * Belongs here: reading what somebody typed, testing a text, and where the hits are in it. Pure.
 */

/**
 * @typedef {object} Search
 * @property {string} text as typed, and as the server takes it
 * @property {string[]} words in lower case; empty for a pattern
 * @property {RegExp | null} pattern
 */

/** @typedef {{ problem: string }} Unreadable */

/**
 * Read what was typed. Null when nothing is searched for.
 *
 * @param {string} typed @returns {Search | Unreadable | null}
 */
export function compile(typed) {
  const text = typed.trim();
  if (!text) return null;
  const pattern = /^\/(.+)\/$/s.exec(text);
  if (!pattern) return { text, words: text.toLowerCase().split(/\s+/), pattern: null };
  try {
    return { text, words: [], pattern: new RegExp(pattern[1], "giu") };
  } catch (problem) {
    return { problem: `This pattern can’t be read: ${reason(/** @type {Error} */ (problem), pattern[1])}.` };
  }
}

/** @param {Error} problem @param {string} pattern */
function reason(problem, pattern) {
  const words = problem.message.split(": ").at(-1) ?? "";
  if (/unterminated group/i.test(words)) return `missing ) at ${pattern.length}`;
  if (/unterminated character class|missing \]/i.test(words)) return `missing ] at ${pattern.length}`;
  return words.replace(/\.$/, "").toLowerCase();
}

/** @param {Search} search @param {string} text */
export function matches(search, text) {
  if (search.pattern) {
    search.pattern.lastIndex = 0;
    return search.pattern.test(text);
  }
  const lower = text.toLowerCase();
  return search.words.every((word) => lower.includes(word));
}

/**
 * Where a text has hits: pairs of start and end, at most a hundred, not overlapping.
 *
 * @param {Search} search @param {string} text @returns {[number, number][]}
 */
export function hits(search, text) {
  /** @type {[number, number][]} */
  const found = [];
  if (search.pattern) {
    search.pattern.lastIndex = 0;
    for (const hit of text.matchAll(search.pattern)) {
      if (hit[0]) found.push([hit.index, hit.index + hit[0].length]);
      if (found.length === 100) break;
    }
    return found;
  }
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return found; // a letter that gets longer in lower case: better no mark than a wrong one
  for (const word of search.words)
    for (let at = lower.indexOf(word); at >= 0 && found.length < 100; at = lower.indexOf(word, at + word.length)) found.push([at, at + word.length]);
  found.sort((a, b) => a[0] - b[0]);
  return found.filter(([start], i) => i === 0 || start >= found[i - 1][1]);
}
