/**
 * Elements, made in one place. Text reaches the page as text only, and attributes have names of ours.
 *
 * Belongs here: making elements and keeping them up to date.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Props */

const HTML = "http://www.w3.org/1999/xhtml";
const SVG = "http://www.w3.org/2000/svg";

/** @param {Element} node @param {Props} props */
export function set(node, props) {
  for (const [key, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (value === undefined || value === null || value === false) node.removeAttribute(key);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
}

/** @param {string} space @param {string} what "tag.class.class" @param {(Props | Child | Child[])[]} inside */
function make(space, what, inside) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElementNS(space, tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const each of inside) {
    if (Array.isArray(each)) node.append(.../** @type {(Node | string)[]} */ (each.filter(isChild).map(plain)));
    else if (each && typeof each === "object" && !(each instanceof Node)) set(node, each);
    else if (isChild(each)) node.append(plain(/** @type {Child} */ (each)));
  }
  return node;
}

/** @param {unknown} each */
const isChild = (each) => each !== null && each !== undefined && each !== false && each !== "";

/** @param {Child} each */
const plain = (each) => (each instanceof Node ? each : String(each));

/** An element: `h("p.note", { title: "…" }, "text", child)`. @param {string} what @param {...(Props | Child | Child[])} inside @returns {HTMLElement} */
export const h = (what, ...inside) => /** @type {HTMLElement} */ (make(HTML, what, inside));

/** The same for SVG. @param {string} what @param {...(Props | Child | Child[])} inside @returns {SVGElement} */
export const s = (what, ...inside) => /** @type {SVGElement} */ (make(SVG, what, inside));

/** @param {string} name of a symbol in the page @param {string} [more] classes */
export const icon = (name, more = "") => s(`svg.icon${more}`, { viewBox: "0 0 16 16", "aria-hidden": "true" }, s("use", { href: `#${name}` }));

/** @param {string} classes @param {Props} props @param {...(Child | Child[])} inside @returns {HTMLButtonElement} */
export const button = (classes, props, ...inside) => /** @type {HTMLButtonElement} */ (h(`button.${classes}`, { type: "button", ...props }, ...inside));

/** An element of the page. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** Change a text only when it is another one: selections and screen readers notice. @param {Node} node @param {string} text */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | null} value */
export function attribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Do not make again what would be the same. */
export class Memo {
  constructor() {
    this._key = "";
  }

  /** @param {unknown[]} parts @returns {boolean} true when they are others than last time */
  changed(...parts) {
    const key = JSON.stringify(parts);
    if (key === this._key) return false;
    this._key = key;
    return true;
  }
}

/** Copy a text; true when it worked. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = /** @type {HTMLTextAreaElement} */ (h("textarea.sr", { readonly: true }));
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy"); // without TLS there is no other way
    area.remove();
    return done;
  }
}

/** A button that says for a moment that it has copied. @param {HTMLButtonElement} node @param {() => string | Promise<string>} text */
export async function copyFrom(node, text) {
  const before = node.textContent ?? "";
  const done = await copy(await text());
  node.textContent = done ? "Copied" : "Can’t copy";
  setTimeout(() => (node.textContent = before), 1_500);
}
