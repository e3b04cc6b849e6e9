/** What leaves the page: a line, a link, a download, an extract for a helper. */

import { fileName, masked, plain, write } from "./model/exports.js";
import { LEVELS, MARK } from "./model/store.js";
import { SECOND } from "./model/times.js";
import { copy, copyFrom, h } from "./view/dom.js";

/** @typedef {import("./app.js").App} App */

export class Sharing {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._shift = false;
    document.addEventListener("keydown", (event) => (this._shift = event.shiftKey));
    document.addEventListener("keyup", (event) => (this._shift = event.shiftKey));
  }

  /** @param {number} slot @param {HTMLButtonElement} [from] */
  async copyLine(slot, from) {
    const text = this._app.shown.store.text(slot);
    if (from) return copyFrom(from, () => text);
    return this._app.said.tell((await copy(text)) ? "The line is copied." : "This browser does not let the page copy.");
  }

  /** @param {number} slot @param {HTMLButtonElement} [from] */
  async copyLink(slot, from) {
    const { store } = this._app.shown;
    const cursor = store.cursor[slot];
    const where = cursor ? { at: cursor } : { time: Math.round(store.time[slot] / 1000) };
    const link = this._app.links.to(where);
    if (from) return copyFrom(from, () => link);
    return this._app.said.tell((await copy(link)) ? "The link is copied. Whoever has this session’s token sees the same." : "This browser does not let the page copy.");
  }

  /** Several rows are copied as the node printed them; with Shift, with time, service and level. @param {ClipboardEvent} event */
  copied(event) {
    const selection = document.getSelection();
    const { log, shown, zone } = this._app;
    if (!selection || selection.isCollapsed || !selection.anchorNode || !selection.focusNode || !event.clipboardData) return;
    const ends = [selection.anchorNode, selection.focusNode].map((node) => log.slotAt(node));
    if (ends[0] === undefined || ends[1] === undefined || ends[0] === ends[1]) return;
    const [from, to] = ends.map((slot) => shown.index(/** @type {number} */ (slot))).sort((a, b) => a - b);
    const { store } = shown;
    const lines = shown.list.slice(from, to + 1).filter((slot) => store.level[slot] !== MARK);
    const head = (/** @type {number} */ slot) => (this._shift ? `${zone.iso(store.time[slot] / 1000)}\t${store.services[store.service[slot]]}\t${LEVELS[store.level[slot]]}\t` : "");
    event.clipboardData.setData("text/plain", lines.map((slot) => head(slot) + store.text(slot)).join("\n"));
    event.preventDefault();
  }

  /** What the filter asks the server for. */
  _wanted() {
    const { filters, shown } = this._app;
    const { store, list } = shown;
    const last = list.at(-1);
    const times = list.length ? { since: Math.floor(store.time[list[0]] / 1000), until: Math.ceil(store.time[/** @type {number} */ (last)] / 1000) + 1 } : {};
    return { services: filters.services, match: filters.search && filters.matchesOnly ? filters.search.text : undefined, level: filters.level || undefined, ...times };
  }

  /** Save what is shown. @param {"text" | "json"} kind @param {boolean} mask @returns {Promise<string>} a problem, or "" */
  async download(kind, mask) {
    const { shown, filters, zone, travel } = this._app;
    const slots = shown.list.filter((slot) => shown.store.level[slot] !== MARK);
    if (!slots.length) return "There is nothing to download.";
    let entries;
    if (mask && !travel.available) return "This server can’t mask. Turn masking off to download the lines as they are.";
    try {
      entries = mask ? await masked((payload) => this._app.questions.ask(payload), this._wanted()) : plain(shown.store, slots);
    } catch (problem) {
      travel.failed(/** @type {any} */ (problem));
      return travel.available ? /** @type {Error} */ (problem).message : "This server can’t mask. Turn masking off to download the lines as they are.";
    }
    this._save(write(entries, kind, zone), fileName(filters.services, this._app.now(), kind), kind);
    return "";
  }

  /** @param {string} text @param {string} name @param {"text" | "json"} kind */
  _save(text, name, kind) {
    const url = URL.createObjectURL(new Blob([text], { type: kind === "json" ? "application/x-ndjson" : "text/plain" }));
    const link = /** @type {HTMLAnchorElement} */ (h("a", { href: url, download: name }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10 * SECOND);
  }

  /** What a failed service said last, masked, with the facts. @param {import("./model/services.js").Service} service */
  async forHelper(service) {
    const { status } = service;
    const facts = [`${service.name} (${service.client})`, `state ${status.status}`, status.since && `since ${status.since}`, status.exit_status !== undefined && status.exit_status !== null && `exit status ${status.exit_status}`, status.result && `result ${status.result}`, status.restarts && `${status.restarts} restarts`].filter(Boolean).join(", ");
    const until = Number.isNaN(service.since) ? this._app.now() : service.since + 2 * SECOND;
    try {
      const entries = await masked((payload) => this._app.questions.ask(payload), { services: [service.name], until }, 50);
      return `${facts}\n\n${write(entries, "text", this._app.zone)}`;
    } catch (problem) {
      this._app.travel.failed(/** @type {any} */ (problem));
      return `${facts}\n\nThis server can’t mask, so the lines are left out.\n`;
    }
  }
}
