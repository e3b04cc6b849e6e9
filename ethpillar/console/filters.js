/** What is shown of the log: services, level, search, and going from hit to hit. */

import { compile, hits } from "./model/search.js";
import { sorted } from "./model/services.js";
import { LEVELS, MARK } from "./model/store.js";
import { Shown } from "./model/shown.js";
import { Patterns } from "./patterns.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./model/search.js").Search} Search */

export class Filters {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** The lowest level, by name; "" for all. */
    this.level = "";
    this.text = "";
    /** @type {Search | null} */
    this.search = null;
    /** What is being typed and is marked already, before lines are filtered by it; undefined for nothing. @type {Search | null | undefined} */
    this._typed = undefined;
    this.problem = "";
    this.matchesOnly = true;
    /** The slot of the hit that one is at. */
    this.hit = -1;
    /** Services that are hidden. @type {Set<string>} */
    this._hidden = new Set();
    /** Services that a link wants to see. @type {Set<string> | null} */
    this._wanted = null;
    this.live = new Shown(app.live.store, this.filter);
    this.patterns = new Patterns(() => this._tooSlow());
    /** Where a pattern has hits in what can be seen: it does not wait for the search in all lines. */
    this._marks = new Patterns(() => this._tooSlow());
    this.live.ask = (slots) => this.look(this.live, slots);
  }

  get lowest() {
    return LEVELS.indexOf(this.level);
  }

  /** @returns {import("./model/shown.js").Filter} */
  get filter() {
    const hides = [...this._app.live.services.keys()].some((name) => !this.shows(name));
    return { services: hides ? new Set(this.services) : null, level: Math.max(0, this.lowest), search: this.search, only: Boolean(this.search) && this.matchesOnly };
  }

  /** The services whose logs are shown. */
  get services() {
    return [...this._app.live.services.keys()].filter((name) => this.shows(name));
  }

  /** @param {string} name */
  shows(name) {
    return !this._hidden.has(name);
  }

  // -- services

  /** A service was seen for the first time. @param {import("./model/services.js").Service} service */
  met(service) {
    const { status, enabled } = service.status;
    if (this._wanted ? !this._wanted.has(service.name) : status === "inactive" && enabled === false) this._hidden.add(service.name);
  }

  /** @param {string} name */
  toggle(name) {
    if (!this._hidden.delete(name)) this._hidden.add(name);
    this._changed();
  }

  /** Only this one; again: all. @param {string} name */
  only(name) {
    const names = [...this._app.live.services.keys()];
    const alone = this.shows(name) && names.every((each) => each === name || this._hidden.has(each));
    this._hidden = new Set(alone ? [] : names.filter((each) => each !== name));
    this._changed();
    if (this._app.small) this._app.setPage("log");
  }

  all() {
    this._hidden.clear();
    this._changed();
  }

  /** @param {number} number from 1, as in the rail */
  onlyNumber(number) {
    const service = sorted([...this._app.live.services.values()], this._app.now())[number - 1];
    if (service) this.only(service.name);
  }

  /** What a link wants. @param {{ show?: string[], level?: string, find?: string }} place */
  take({ show, level, find }) {
    this._wanted = show ? new Set(show) : null;
    if (show) this._hidden = new Set([...this._app.live.services.keys()].filter((name) => !show.includes(name)));
    this.level = level ?? "";
    this.setText(find ?? "");
    this._changed();
  }

  // -- level and search

  /** @param {string} level */
  setLevel(level) {
    this.level = level;
    this._changed();
  }

  /** @param {boolean} only */
  setOnly(only) {
    this.matchesOnly = only;
    this._changed();
  }

  /** @param {string} text */
  setSearch(text) {
    if (text.trim() === this.text) return void (this._typed = undefined);
    this.setText(text);
    return this._changed();
  }

  /** Somebody types: what can be seen is marked at once. @param {string} text */
  type(text) {
    const found = compile(text);
    if (found && "problem" in found) return; // it may be read once it is whole
    this._typed = found;
    this._marks.forget();
    this._app.log.remark();
  }

  /** What is marked. */
  get marked() {
    return this._typed === undefined ? this._app.shown.filter.search : this._typed;
  }

  /** @param {string} text */
  setText(text) {
    this.text = text.trim();
    this._typed = undefined;
    if (this._app.tools && this._app.tools.input.value.trim() !== this.text) this._app.tools.input.value = this.text;
    const found = compile(text);
    this.problem = found && "problem" in found ? found.problem : "";
    if (this.problem) return;
    this.search = /** @type {Search | null} */ (found);
    this.hit = -1;
  }

  /** Only lines that say the same, whatever the numbers in them. @param {string} service @param {string} message */
  onlyLike(service, message) {
    const words = message.match(/[\p{L}]{3,}/gu) ?? [];
    const names = [...this._app.live.services.keys()];
    this._hidden = new Set(names.filter((each) => each !== service));
    this.matchesOnly = true;
    this.setText(words.slice(0, 8).join(" "));
    this._changed();
  }

  _changed() {
    const { log, travel, frames } = this._app;
    const filter = this.filter;
    this.patterns.forget();
    this._marks.forget();
    const following = log.following;
    const anchor = log.current >= 0 ? log.current : log.shown.list[log.visible[0]];
    this.live.set(filter);
    this._anchor = following ? null : anchor;
    if (travel.past) travel.again();
    else log.redraw();
    this._app.chart.again();
    this._rebuilt = false;
    frames.now();
  }

  /** Go on filtering. @param {number} budget @returns {boolean} true when it is done */
  work(budget) {
    if (!this.live.busy) return true;
    const done = this.live.step(budget);
    const { log, travel } = this._app;
    if (travel.isLive) {
      log.redraw();
      // A viewer that went live meanwhile stays there.
      if (done && !log.following && this._anchor !== null && this._anchor !== undefined) log.goTo(Math.min(this.live.index(this._anchor), this.live.list.length - 1), 0.1);
    }
    return done;
  }

  // -- hits

  /** Lines are dropped, and their places are taken by others. @param {number[]} slots */
  gone(slots) {
    if (slots.includes(this.hit)) this.hit = -1;
  }

  /** Which of these a pattern finds: a worker looks. @param {Shown} shown @param {number[]} slots */
  look(shown, slots) {
    const source = shown.filter.search?.pattern?.source;
    if (source === undefined) return;
    this.patterns.find(source, shown.store, slots, (found) => {
      const from = shown.found(found);
      if (shown === this._app.shown) this._app.log.grown(from);
      this._app.log.changed();
      this._app.frames.now();
    });
  }

  /** Where each of some texts has hits; those of a pattern may be told a little later. @param {string[]} texts @returns {[number, number][][]} */
  hits(texts) {
    const { marked } = this;
    if (!marked) return texts.map(() => []);
    if (!marked.pattern) return texts.map((text) => hits(marked, text));
    return this._marks.hits(marked.pattern.source, texts, () => this._app.log.remark());
  }

  _tooSlow() {
    this.problem = "This pattern is too slow here. Search further back: the server searches in a time that is bounded.";
    this._app.frames.now();
  }

  /** What the search box says. @returns {{ text: string, problem: string }} */
  searchState() {
    if (this.problem) return { text: "", problem: this.problem };
    if (!this.search) return { text: "", problem: "" };
    const { hits } = this._app.shown;
    const at = this.hit >= 0 ? hits.indexOf(this.hit) : -1;
    const total = hits.length.toLocaleString("en");
    return { text: at >= 0 ? `${(at + 1).toLocaleString("en")} of ${total}` : total, problem: "" };
  }

  /** @param {1 | -1} by */
  nextHit(by) {
    const { shown, log } = this._app;
    if (!shown.hits.length) return;
    const at = this.hit >= 0 ? shown.hits.indexOf(this.hit) : -1;
    let next = at + by;
    if (at < 0) {
      const [first, last] = log.visible;
      const from = shown.list[by > 0 ? first : last];
      const place = shown.hits.findIndex((slot) => shown.store.compare(slot, from) >= 0);
      next = place < 0 ? shown.hits.length - 1 : by > 0 ? place : Math.max(0, place - (shown.hits[place] === from ? 0 : 1));
    }
    this.hit = shown.hits[(next + shown.hits.length) % shown.hits.length];
    log.select(shown.index(this.hit), true);
    log.changed();
    this._app.frames.now();
  }

  /** The next line of a level or worse. @param {number} level @param {1 | -1} by */
  nextLevel(level, by) {
    const { shown, log } = this._app;
    const wanted = (/** @type {number} */ slot) => shown.store.level[slot] >= level && shown.store.level[slot] !== MARK;
    const [first, last] = log.visible;
    const start = log.currentIndex >= 0 ? log.currentIndex : log.following ? shown.list.length : by > 0 ? first - 1 : last + 1;
    let found = shown.find(start, by, wanted);
    if (found < 0) found = by > 0 ? shown.find(-1, 1, wanted) : shown.find(shown.list.length, -1, wanted);
    if (found < 0) return this._app.said.say(level > 4 ? "There is no error." : "There is no warning.");
    log.select(found, true);
    const slot = shown.list[found];
    this._app.said.say(`${LEVELS[shown.store.level[slot]]}: ${shown.store.message[slot].slice(0, 200)}`);
  }
}
