/** Going through time: earlier lines, a moment, a chosen time, and back to live. */

import { Past, moment, put } from "./model/pages.js";
import * as place from "./model/place.js";
import { HOUR, MINUTE } from "./model/times.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./model/pages.js").Page} Page */

/** Rows from the edge at which more is fetched: about two screens. */
const AHEAD = 60;

export class Travel {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    /** What is looked at instead of the live log. @type {Past | null} */
    this.past = null;
    /** Whether the server can read the past. */
    this.available = true;
    /** Earlier lines of the live log. @type {{ busy: boolean, before?: string, until?: number, start: boolean, problem: string }} */
    this.early = { busy: false, start: false, problem: "" };
    this._label = "";
    /** The first line that is held, from which the past was gone on with. */
    this._leftAt = "";
    /** What a link wants, once there is a connection. @type {place.Place | null} */
    this._pending = null;
    this._connected = false;
    /** How the current past is loaded again with another filter. @type {(() => Promise<void>) | null} */
    this._reload = null;
  }

  get isLive() {
    return this.past === null;
  }

  /** What the time button says. */
  timeLabel() {
    return this.isLive ? "Last hour" : this._label;
  }

  /** The session is in, and its services are known. */
  connected() {
    if (this._connected) return;
    this._connected = true;
    const wanted = this._pending;
    this._pending = null;
    if (wanted) setTimeout(() => this._go(wanted), 0);
    this._app.chart.again();
  }

  // -- links

  /** What an address wants to see. @param {place.Place} wanted */
  open(wanted) {
    this._app.side = Boolean(wanted.side);
    this._app.filters.take(wanted);
    if (this._connected) this._go(wanted);
    else this._pending = wanted;
  }

  /** @param {place.Place} wanted */
  _go(wanted) {
    const { slots } = this._app;
    if (wanted.slot) slots.open(wanted.slot, false);
    else slots.close(false);
    if (wanted.at) this._around({ cursor: wanted.at });
    else if (wanted.time) this._around({ ms: wanted.time });
    else if (!wanted.slot && !this.isLive) this.goLive();
  }

  /** @param {place.Place} more */
  push(more) {
    history.pushState(null, "", location.pathname + location.search + place.write({ ...this.here(), ...more }));
  }

  /** Where one is, without a moment. @returns {place.Place} */
  here() {
    const { filters, side } = this._app;
    const all = [...this._app.live.services.keys()].every((name) => filters.shows(name));
    return { show: all ? undefined : filters.services, level: filters.level || undefined, find: filters.text || undefined, side: side || undefined };
  }

  // -- places

  /** A moment: in what is held when it is there, else from the node. @param {number} ms @param {string} [service] */
  goTo(ms, service) {
    const { filters, log, small } = this._app;
    if (small) this._app.setPage("log");
    this._app.slots.close(false);
    if (service && !filters.shows(service)) filters.toggle(service);
    const shown = this._app.shown;
    if (this._holds(ms)) return log.select(Math.min(shown.at(ms * 1000), shown.list.length - 1), true);
    this.push({ time: Math.round(ms) });
    this._around({ ms });
  }

  /** Whether what is held has a moment without a hole. @param {number} ms */
  _holds(ms) {
    const { live, filters } = this._app;
    if (!this.isLive) return ms >= this._app.shown.store.from && ms <= this._app.shown.store.to;
    const from = Math.max(...filters.services.map((name) => live.from.get(name) ?? -Infinity), live.store.from);
    return live.store.length > 0 && ((ms >= from && ms <= this._app.now() + MINUTE) || !this.available);
  }

  /** @param {number} index of the histogram */
  goToBucket(index) {
    const { buckets } = this._app.chart;
    this.goTo(buckets.start(index));
  }

  /** A line of what is shown, among all lines. @param {number} slot */
  around(slot) {
    const { shown, filters } = this._app;
    const { store } = shown;
    const cursor = store.cursor[slot];
    if (filters.text || filters.level) {
      filters.level = "";
      this._app.tools.setText("");
    }
    if (!cursor || !this.available) return this.goTo(store.time[slot] / 1000);
    this.push({ at: cursor });
    this._around({ cursor });
  }

  /** @param {{ cursor?: string, ms?: number }} where */
  _around(where) {
    const at = () => (where.cursor ? this.past?.store.order.find((slot) => this.past?.store.cursor[slot] === where.cursor) : undefined);
    void this._show(
      (past) => past.around(where),
      {},
      (past) => {
        const slot = at();
        const index = slot !== undefined ? past.shown.index(slot) : past.shown.at((where.ms ?? 0) * 1000);
        this._app.log.select(Math.max(0, Math.min(index, past.shown.list.length - 1)), true);
        const ms = slot !== undefined ? past.store.time[slot] / 1000 : (where.ms ?? past.store.to);
        this._label = `Around ${this._app.zone.moment(ms, this._app.now())}`;
        this._widenTo(ms);
      },
    );
  }

  /** The chart shows a moment that it does not. @param {number} ms */
  _widenTo(ms) {
    const { chart } = this._app;
    if (ms >= chart.buckets.from && ms <= chart.buckets.to) return;
    chart.show([ms - HOUR / 2, ms + HOUR / 2], null);
  }

  /** A time that was chosen. @param {number} from @param {number} to */
  choose(from, to) {
    const { chart, zone } = this._app;
    const now = this._app.now();
    const inside = from >= chart.buckets.from - 1 && to <= chart.buckets.to + 1;
    if (inside) chart.brush = [from, to];
    else chart.show([from, to], null);
    this.push({ time: Math.round(from) });
    this._label = `${zone.moment(from, now)} to ${to > now - MINUTE ? "now" : zone.minute(to)}`;
    const label = this._label;
    void this._show(
      (past) => past.load(),
      { since: from, until: to },
      () => (this._label = label),
    );
  }

  /** Search the past for what is searched here. */
  searchBack() {
    const label = `Search until ${this._app.zone.minute(this._app.now())}`;
    void this._show(
      (past) => past.load(),
      {},
      (past) => {
        this._label = label;
        this._app.log.goTo(past.shown.list.length - 1, 0.9);
      },
      true,
    );
  }

  /** The chart is as before. */
  widen() {
    this._app.chart.brush = null;
    if (this._app.chart.range) this._app.chart.show(null, null);
    this.goLive();
  }

  /**
   * @param {(past: Past) => Promise<void>} load @param {Record<string, unknown>} what @param {(past: Past) => void} then
   * @param {boolean} [search] only what is searched for
   */
  async _show(load, what, then, search = false) {
    const { filters, zone, log } = this._app;
    if (!this.available) return this._app.said.tell("This server can’t read history.");
    this._reload = () => this._show(load, what, then, search);
    const { filter } = filters;
    const wanted = filters.search || filters.level ? { match: filters.search && (filters.matchesOnly || search) ? filters.search.text : undefined, level: filters.level || undefined } : {};
    const past = new Past((payload) => this._app.ask(payload), { services: filters.services, ...wanted, ...what, id: "pages" }, (ms) => zone.clock(ms), { ...filter, only: false });
    past.shown.ask = (slots) => filters.patterns.ask(past.shown, slots);
    this._app.stage.busy(true);
    await load(past);
    this._app.stage.busy(false);
    if (past.problem) {
      if (past.problem.code === "superseded") return undefined;
      return this.failed(past.problem);
    }
    this.past = past;
    past.onLines = (added, grown) => {
      if (this.past !== past) return;
      const from = past.shown.added(added);
      log.grown(from);
      for (const slot of grown) log.refresh(slot);
      this._app.frames.now();
    };
    past.shown.set(past.shown.filter);
    past.shown.step(Infinity);
    log.attach(past.shown, false);
    if (past.shown.list.length) then(past);
    this._app.frames.now();
    return undefined;
  }

  /** The filter has changed. */
  again() {
    void this._reload?.();
  }

  goLive() {
    const { log, filters, chart } = this._app;
    this._app.slots.close(false);
    const was = this.past;
    this.past = null;
    this._reload = null;
    if (was) {
      chart.brush = null;
      if (chart.range) chart.show(null, null);
      if (location.hash) this.push({});
      log.attach(filters.live, true);
    }
    log.follow();
  }

  // -- more in both directions

  /** Fetch what will soon be looked at. */
  look() {
    const { log, shown, stage } = this._app;
    stage.early();
    if (this._app.slots.number !== null || !this._connected || !log.still || !this.available) return;
    const [first, last] = log.visible;
    if (this.past) {
      if (first < AHEAD && !this.past.searches) void this.past.earlier().then(() => this._settled());
      else if (last > shown.list.length - AHEAD) void this.past.later().then(() => this._settled());
    } else if (log.following) return;
    else if (this._app.live.store.dropped) this._leave(first);
    else if (first < AHEAD) void this._earlier();
  }

  /**
   * Go on in the past when the first line that is held comes into view: the page holds as many as it may, so what is
   * before it can't be put there.
   *
   * @param {number} first the first row that can be seen
   */
  _leave(first) {
    const { shown, log } = this._app;
    const { store, list } = shown;
    const slot = list.slice(0, AHEAD).find((each) => store.cursor[each]);
    if (first > 0 || slot === undefined || this._leftAt === store.cursor[slot]) return;
    const cursor = (this._leftAt = /** @type {string} */ (store.cursor[slot]));
    const ms = store.time[slot] / 1000;
    void this._show(
      (past) => past.around({ cursor }),
      {},
      (past) => {
        const there = past.store.order.find((each) => past.store.cursor[each] === cursor);
        log.goTo(there === undefined ? past.shown.at(ms * 1000) : past.shown.index(there), 0);
        this._label = `Before ${this._app.zone.moment(ms, this._app.now())}`;
      },
    );
  }

  _settled() {
    const problem = this.past?.problem;
    if (problem) this.failed(problem);
    if (this.past && !this.past.busy) this._app.stage.early();
  }

  /** Go on with a search that was bounded. */
  async further() {
    if (!this.past) return this.searchBack();
    this._app.stage.early();
    await this.past.earlier();
    this._settled();
    this._app.frames.now();
    return undefined;
  }

  /** What is before the live log's first lines. */
  async _earlier() {
    const { live, filters, zone, log } = this._app;
    const { early } = this;
    if (early.busy || early.start || live.store.dropped) return;
    early.busy = true;
    const services = [...live.services.keys()];
    const until = Math.max(...services.map((name) => live.from.get(name) ?? -Infinity));
    try {
      const where = early.before ? { before: early.before } : { until: Number.isFinite(until) ? until : this._app.now() };
      const page = await this._app.ask({ services, limit: 500, ...where, id: "earlier" });
      early.before = page.before;
      early.start = !page.before || !page.more;
      const { added, grown } = put(live.store, page, true, (ms) => zone.clock(ms));
      const oldest = moment(page.entries?.[0]?.timestamp);
      if (!Number.isNaN(oldest)) for (const name of services) live.from.set(name, Math.min(live.from.get(name) ?? Infinity, oldest));
      const from = filters.live.added(added);
      if (this.isLive) {
        log.grown(from);
        for (const slot of grown) log.refresh(slot);
      }
    } catch (problem) {
      this.failed(/** @type {any} */ (problem), false);
    } finally {
      early.busy = false;
      this._app.frames.now();
    }
  }

  /** @param {{ code?: string, message: string }} problem @param {boolean} [asked] somebody waits for it */
  failed(problem, asked = true) {
    if (problem.code === "unknown_event") this.available = false;
    if (!asked) return this._app.frames.now();
    if (!this.available) this._app.said.tell("This server can’t read history.");
    else if (problem.code === "limit_reached") this._app.said.tell("Another search of this node is running. Waiting.");
    else if (problem.code !== "superseded" && problem.code !== "closed") this._app.said.tell(problem.message);
    return this._app.frames.now();
  }

  // -- known moments

  /** @returns {number | undefined} */
  lastRestart() {
    const all = [...this._app.live.services.values()].flatMap((service) => service.restarts);
    return all.length ? Math.max(...all) : undefined;
  }

  /** @returns {number | undefined} */
  lastBoot() {
    return this._app.live.today.list.find((each) => each.kind === "reboot")?.at;
  }
}
