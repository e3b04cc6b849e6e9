/**
 * Text of a node, made safe to look at.
 *
 * Belongs here: characters that can't be seen or that turn the text around, and lines that are too long. Pure.
 */

/** Controls, bidirectional controls, zero-width and other invisible characters; not tab and line feed, nor how an emoji is drawn. */
const INVISIBLE = /[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0d\u{e0000}-\u{e0fff}\u{1d173}-\u{1d17a}\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb]/gu;
const ANY = new RegExp(INVISIBLE.source, "u");

export const LONGEST = 4_000;

/** Show what can't be seen as ‹U+202E›. @param {string} text */
export function visible(text) {
  if (!ANY.test(text)) return text;
  return text.replace(INVISIBLE, (each) => `‹U+${(each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}›`);
}

/** A line as a row shows it. @param {string} text @returns {{ text: string, rest: number }} `rest`: characters cut off */
export function cut(text) {
  if (text.length <= LONGEST) return { text: visible(text), rest: 0 };
  const end = /[\ud800-\udbff]/.test(text[LONGEST - 1]) ? LONGEST - 1 : LONGEST;
  return { text: visible(text.slice(0, end)), rest: text.length - end };
}

/** @param {number} characters */
export const size = (characters) => (characters >= 1000 ? `${Math.round(characters / 1000)} kB` : `${characters} B`);

/** @param {number} n @param {string} word */
export const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

const SMALL = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** A small number in words. @param {number} n */
export const inWords = (n) => SMALL[n] ?? String(n);

/** "2nd" @param {number} n */
export function ordinal(n) {
  const teens = n % 100 > 10 && n % 100 < 14;
  return `${n.toLocaleString("en")}${(!teens && ["", "st", "nd", "rd"][n % 10]) || "th"}`;
}

/** @param {string} text */
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** "a, b and c" @param {string[]} names */
export function list(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** @param {number} n of lines, short enough for a button */
export const short = (n) => (n > 9_999 ? `${Math.round(n / 1000)} k` : n.toLocaleString("en"));

/** @param {number} bytes */
export function memory(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.round(bytes / 1e3)} kB`;
}
