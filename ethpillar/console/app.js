/**
 * The console as a whole: what it has, and when what is drawn.
 *
 * Belongs here: wiring the connection, the models and the parts of the screen.
 */

import { Filters } from "./filters.js";
import { Sharing } from "./sharing.js";
import { Slots } from "./slots.js";
import { Travel } from "./travel.js";
import { Chart } from "./chart.js";
import { Live } from "./model/live.js";
import * as place from "./model/place.js";
import { ERROR, MARK } from "./model/store.js";
import { Zone } from "./model/times.js";
import { Foot, Tabs } from "./view/foot.js";
import { Frames } from "./view/frames.js";
import { Header } from "./view/header.js";
import { Help, Table } from "./view/help.js";
import { Histogram } from "./view/histogram.js";
import * as keys from "./view/keys.js";
import { Log } from "./view/log.js";
import { Menus } from "./view/menus.js";
import { Rail } from "./view/rail.js";
import { Said } from "./view/said.js";
import { SideHead } from "./view/side.js";
import { SlotView } from "./view/slot.js";
import { Stage } from "./view/stage.js";
import { Tools } from "./view/tools.js";
import { VerdictLine } from "./view/verdict.js";
import { Why } from "./view/why.js";
import { Connection } from "./wire/connection.js";

/** @typedef {import("./model/shown.js").Shown} Shown */

const SMALL = "(max-width: 700px)";
const TOKEN = "token";
const OPTIONS = "options";
/** Milliseconds of a frame in which what nobody reads faster is painted, one part after the other. */
const PART = 3;
const THEME = "theme";

export class App {
  /** @param {string} token @param {string} fragment without the token */
  constructor(token, fragment) {
    this.token = token;
    this.now = () => Date.now();
    /** Which zone times are in. @type {Zone} */
    this.zone = Zone.own();
    this.options = { wrap: false, fields: true, component: false, ago: false, traces: false, large: false, keys: true, read: false, readErrors: false, ...stored(OPTIONS) };
    this._narrow = matchMedia(SMALL);
    this.frames = new Frames((budget) => this._work(budget), () => this._paint(), () => this._paintSlowly());
    this.live = new Live(() => this.frames.want(), this.now);
    this.live.clock = (ms) => this.zone.clock(ms);
    /** @type {Connection | null} */
    this.connection = null;
    /** What is still to be painted. @type {(() => void)[]} */
    this._unpainted = [];
    this.side = false;
    /** What came while it was paused. */
    this.missed = { lines: 0, errors: 0 };
    this.pausedAt = 0;
    /** On phones: which page is shown. @type {"services" | "log" | "events"} */
    this.page = "services";
    this.newErrors = 0;
    this.theme = sessionStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
    this.filters = new Filters(this);
    this.travel = new Travel(this);
    this.slots = new Slots(this);
    this.chart = new Chart(this);
    this.sharing = new Sharing(this);
    this.header = new Header(this);
    this.verdict = new VerdictLine(this);
    this.rail = new Rail(this);
    this.why = new Why(this);
    this.menus = new Menus(this);
    this.tools = new Tools(this);
    this.histogram = new Histogram(this);
    this.sideHead = new SideHead(this);
    this.log = new Log(this);
    this.slotView = new SlotView(this);
    this.stage = new Stage(this);
    this.foot = new Foot(this);
    this.tabs = new Tabs(this);
    this.help = new Help(this);
    this.tableView = new Table(this);
    this.said = new Said(this);
    this._listen();
    this._applyOptions();
    if (fragment) this.travel.open(place.read(fragment));
    if (token) this.enter(token);
    else this.frames.now();
  }

  get small() {
    return this._narrow.matches;
  }

  /** What the log shows. @type {Shown} */
  get shown() {
    return this.travel?.past?.shown ?? this.filters.live;
  }

  _listen() {
    keys.listen(this);
    this.live.onLines = (added, grown, gone) => this._lines(added, grown, gone);
    this.live.onService = (service) => {
      this.filters.met(service);
      this.connection?.follow(service.name);
    };
    setInterval(() => {
      this.live.tick();
      this.chart.tick();
    }, 1_000);
    this._narrow.addEventListener("change", () => this.log.redraw());
    window.addEventListener("online", () => this.connection?.wake());
    window.addEventListener("offline", () => this.connection?.offline());
    window.addEventListener("pageshow", (event) => event.persisted && this.connection?.wake());
    document.addEventListener("visibilitychange", () => !document.hidden && this.connection?.wake());
    window.addEventListener("popstate", () => this.travel.open(place.read(location.hash)));
    document.addEventListener("copy", (event) => this.sharing.copied(event));
  }

  /** Look at the session of a token. @param {string} token */
  enter(token) {
    this.connection?.stop();
    this.token = token;
    sessionStorage.setItem(TOKEN, token);
    const url = new URL("?EIO=4&transport=websocket", new URL("./", location.href));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.connection = new Connection(() => /** @type {any} */ (new WebSocket(url.href)), token, {
      state: (link) => {
        this.live.state(link);
        if (link.page === "ended") sessionStorage.removeItem(TOKEN);
      },
      entries: (service, entries) => this.live.entries(service, entries),
      logState: (payload) => this.live.logState(payload),
      status: (services) => {
        this.live.status(services);
        this.travel.connected();
      },
      error: (error) => this.live.error(error),
    });
    this.connection.start();
    this.frames.now();
  }

  /** Ask for a page of the past. @param {Record<string, unknown>} payload @returns {Promise<import("./model/pages.js").Page>} */
  ask(payload) {
    if (!this.connection) return Promise.reject(new Error("There is no connection."));
    return /** @type {Promise<any>} */ (this.connection.ask("read_logs", payload, 30_000));
  }

  // -- lines

  /** @param {number[]} added @param {number[]} grown @param {number[]} gone */
  _lines(added, grown, gone) {
    const shown = this.filters.live;
    const here = this.travel.isLive;
    const from = added.length ? shown.added(added) : shown.list.length;
    const count = gone.length ? shown.gone(gone) : 0;
    if (here) {
      if (count) this.log.gone(gone, count);
      if (added.length) this.log.grown(Math.max(0, from - count));
      for (const slot of grown) this.log.refresh(slot);
    }
    this._missed(added);
    this.chart.added(added);
    this.said.added(added);
  }

  /** @param {number[]} added */
  _missed(added) {
    const { store } = this.live;
    const reading = this.travel.isLive && this.log.following;
    const late = this.pausedAt * 1000 - 10_000_000; // what was loaded from the past is not new
    let errors = 0;
    for (const slot of added) {
      if (store.level[slot] === MARK || !this.filters.shows(store.services[store.service[slot]])) continue;
      const bad = store.level[slot] >= ERROR;
      if (bad) errors++;
      if (reading || store.time[slot] < late || store.level[slot] < this.filters.lowest) continue;
      this.missed.lines++;
      if (bad) this.missed.errors++;
    }
    if (!this.small || this.page !== "log") this.newErrors += errors;
  }

  paused() {
    this.pausedAt = this.now();
    this.missed = { lines: 0, errors: 0 };
    this.frames.now();
  }

  resumed() {
    this.missed = { lines: 0, errors: 0 };
    this.frames.now();
  }

  togglePause() {
    if (!this.travel.isLive || !this.log.following) this.travel.goLive();
    else this.log.stop("space");
  }

  // -- drawing

  /** @param {number} budget @returns {boolean} */
  _work(budget) {
    const more = this.live.work(budget);
    const done = this.filters.work(budget);
    return more || !done;
  }

  _paint() {
    this.stage.draw();
    this.log.paint();
    if (this._unpainted.length) this._paintSome();
  }

  _paintSlowly() {
    const parts = [this.header, this.verdict, this.rail, this.why, this.tools, this.foot, this.tabs, this.said];
    this._unpainted = [...parts.map((part) => () => part.draw()), () => this.histogram.pressed || this.histogram.draw(), () => this.travel.look()];
    this._paintSome();
  }

  /** All of it in one frame would be felt. */
  _paintSome() {
    const end = performance.now() + PART;
    do this._unpainted.shift()?.();
    while (this._unpainted.length && performance.now() < end);
    if (this._unpainted.length) this.frames.again();
  }

  /** What the verdict is about. @returns {import("./model/verdict.js").Situation} */
  situation() {
    const { live } = this;
    return {
      token: Boolean(this.token),
      link: live.link,
      services: [...live.services.values()],
      known: live.known,
      lastError: live.lastError,
      errorsInHour: this.chart.errorsInHour,
      flood: live.flood,
      silent: live.silent,
      clock: (ms) => this.zone.clock(ms),
      now: this.now(),
    };
  }

  // -- how it looks

  nextTheme() {
    this.theme = this.theme === "dark" ? "light" : "dark";
    sessionStorage.setItem(THEME, this.theme);
    this._applyOptions();
  }

  nextZone() {
    const own = Zone.own();
    const node = Zone.named(this.live.link.about?.zone);
    /** @type {Zone[]} */
    const zones = [own];
    for (const zone of [node, new Zone("UTC")]) if (zone && !zones.some((each) => each.name === zone.name)) zones.push(zone);
    const at = zones.findIndex((each) => each.name === this.zone.name);
    this.zone = zones[(at + 1) % zones.length];
    this.log.redraw();
    if (this.slots.lines) this.slotView.draw(this.slots.lines);
    this.frames.now();
  }

  /** @param {keyof App["options"]} key @param {boolean} on */
  setOption(key, on) {
    this.options[key] = on;
    localStorage.setItem(OPTIONS, JSON.stringify(this.options));
    this._applyOptions();
    this.log.redraw();
  }

  _applyOptions() {
    document.documentElement.dataset.theme = this.theme;
    document.body.classList.toggle("wrap", this.options.wrap);
    document.body.classList.toggle("large", this.options.large);
    this.frames.now();
  }

  /** @param {boolean} on */
  setSide(on) {
    this.side = on;
    this.log.redraw();
    this.frames.now();
  }

  /** @param {App["page"]} page */
  setPage(page) {
    this.page = page;
    if (page === "log") this.newErrors = 0;
    this.frames.now();
    this.log.changed();
  }

  /** The colour of a service. @param {string} name */
  hue(name) {
    return this.live.services.get(name)?.hue ?? 6;
  }

  // -- the current line

  /** @param {1 | -1} by */
  step(by) {
    const { log, shown } = this;
    const at = log.currentIndex;
    const [, last] = log.visible;
    const next = at < 0 ? last : Math.min(shown.list.length - 1, Math.max(0, at + by));
    if (by < 0 || at < 0) log.stop("scroll");
    log.select(next);
  }

  /** @param {boolean} open */
  unfold(open) {
    const { log, shown } = this;
    if (log.currentIndex < 0) return;
    const slot = log.current;
    log.toggle(slot, "line", open);
    if (shown.store.more[slot]) log.toggle(slot, "trace", open);
  }

  lineMenu() {
    const { log, shown, travel, sharing } = this;
    const slot = log.current;
    const node = log.items.get(slot);
    if (!node) return;
    const target = this.slots.of(shown.store, slot);
    /** @type {[string, () => void][]} */
    const entries = [
      [log.isOpen(slot) ? "Fold" : "Unfold", () => this.unfold(!log.isOpen(slot))],
      ["Lines around this", () => travel.around(slot)],
      ["Only lines like this", () => this.filters.onlyLike(shown.store.services[shown.store.service[slot]], shown.store.message[slot])],
      ["Copy line", () => void sharing.copyLine(slot)],
      ["Copy link", () => void sharing.copyLink(slot)],
    ];
    if (target !== null) entries.splice(2, 0, [`All of slot ${target}`, () => this.slots.open(target)]);
    this.menus.line(node, entries);
  }

  table() {
    this.tableView.open();
  }

  /** One step back. */
  back() {
    if (this.menus.isOpen) this.menus.close();
    else if (this.slots.number !== null) this.slots.close();
    else if (this.filters.text) this.tools.setText("");
    else if (this.chart.brush) this.travel.widen();
    else if (!this.travel.isLive) this.travel.goLive();
    else if (!this.log.following) this.log.follow();
  }
}

/** @param {string} key @returns {Record<string, boolean>} */
function stored(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === "boolean"));
  } catch {
    return {};
  }
}
