/** Going through time: a moment, a chosen time, a search of the past, and back to live. */

import { Past } from "./model/pages.js";
import { HOUR, MINUTE } from "./model/times.js";

/** @typedef {import("./app.js").App} App */

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
    this._label = "";
    this._connected = false;
    /** How the current past is loaded again with another filter. @type {(() => Promise<void>) | null} */
    this._reload = null;
  }

  get isLive() {
    return this.past === null;
  }

  /** What the time button says: the time that is on the screen. */
  timeLabel() {
    const { log, shown, zone } = this._app;
    if (!this.isLive) return this._label;
    const first = log.following ? undefined : shown.list[log.visible[0]];
    const now = this._app.now();
    const from = first === undefined ? now : shown.store.time[first] / 1000;
    return from < now - HOUR ? `${zone.moment(from, now)} to now` : "Last hour";
  }

  /** The session is in, and its services are known. */
  connected() {
    if (this._connected) return;
    this._connected = true;
    this._app.links.connected();
    this._app.chart.again();
  }

  // -- places

  /** A moment: in what is held when it is there, else from the node. @param {number} ms @param {string} [service] */
  goTo(ms, service) {
    const { filters, log, small, links } = this._app;
    if (small) this._app.setPage("log");
    this._app.slots.close(false);
    if (service && !filters.shows(service)) filters.toggle(service);
    const shown = this._app.shown;
    if (this._holds(ms)) return log.select(Math.min(shown.at(ms * 1000), shown.list.length - 1), true);
    links.push({ time: Math.round(ms) });
    this.show({ ms });
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
    this.goTo(this._app.chart.buckets.start(index));
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
    this._app.links.push({ at: cursor });
    this.show({ cursor });
  }

  /** Show the lines around a cursor or a moment. @param {{ cursor?: string, ms?: number }} where */
  show(where) {
    void this._read(
      (past) => past.around(where),
      {},
      (past) => {
        const { log, zone } = this._app;
        const slot = where.cursor ? past.slotOf(where.cursor) : undefined;
        const index = slot !== undefined ? past.shown.index(slot) : past.shown.at((where.ms ?? 0) * 1000);
        log.select(Math.max(0, Math.min(index, past.shown.list.length - 1)), true);
        const ms = slot !== undefined ? past.store.time[slot] / 1000 : (where.ms ?? past.store.to);
        this._label = `Around ${zone.moment(ms, this._app.now())}`;
        this._widenTo(ms);
      },
    );
  }

  /** Show what is before a line, and have that line at the top. @param {string} cursor @param {number} ms its time */
  showBefore(cursor, ms) {
    void this._read(
      (past) => past.around({ cursor }),
      {},
      (past) => {
        const there = past.slotOf(cursor);
        this._app.log.goTo(there === undefined ? past.shown.at(ms * 1000) : past.shown.index(there), 0);
        this._label = `Before ${this._app.zone.moment(ms, this._app.now())}`;
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
    const { chart, zone, links } = this._app;
    const now = this._app.now();
    const inside = from >= chart.buckets.from - 1 && to <= chart.buckets.to + 1;
    if (inside) chart.brush = [from, to];
    else chart.show([from, to], null);
    links.push({ time: Math.round(from) });
    const label = `${zone.moment(from, now)} to ${to > now - MINUTE ? "now" : zone.minute(to)}`;
    this._label = label;
    void this._read(
      (past) => past.load(),
      { since: from, until: to },
      () => (this._label = label),
    );
  }

  /** Search the past for what is searched here. */
  searchBack() {
    const label = `Search until ${this._app.zone.minute(this._app.now())}`;
    void this._read(
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
  async _read(load, what, then, search = false) {
    const { filters, stage, questions } = this._app;
    if (!this.available) return this._app.said.tell("This server can’t read history.");
    this._reload = () => this._read(load, what, then, search);
    const found = filters.search && (filters.matchesOnly || search) ? { match: filters.search.text } : {};
    const past = new Past((payload) => questions.ask(payload), { services: filters.services, ...found, ...(filters.level && { level: filters.level }), ...what, id: "pages" }, (ms) => this._app.zone.clock(ms), { ...filters.filter, only: false });
    past.shown.ask = (slots) => filters.look(past.shown, slots);
    stage.busy(past);
    await load(past);
    stage.busy(null, past);
    if (past.problem) return this.failed(past.problem);
    this._attach(past);
    if (past.shown.list.length) then(past);
    return this._app.frames.now();
  }

  /** @param {Past} past */
  _attach(past) {
    const { log, frames } = this._app;
    this.past = past;
    past.onLines = (added, grown) => {
      if (this.past !== past) return;
      log.grown(past.shown.added(added));
      for (const slot of grown) log.refresh(slot);
      frames.now();
    };
    past.shown.set(past.shown.filter);
    past.shown.step(Infinity);
    log.attach(past.shown, false);
  }

  /** The filter has changed. */
  again() {
    void this._reload?.();
  }

  goLive() {
    const { log, filters, chart, links } = this._app;
    this._app.slots.close(false);
    const was = this.past;
    this.past = null;
    this._reload = null;
    if (was) {
      chart.brush = null;
      if (chart.range) chart.show(null, null);
      if (location.hash) links.push({});
      log.attach(filters.live, true);
    }
    log.follow();
  }

  // -- more in both directions

  /** Fetch what will soon be looked at. */
  look() {
    const { log, shown, stage, earlier } = this._app;
    stage.early();
    if (this._app.slots.number !== null || !this._connected || !log.still || !this.available) return;
    if (this.isLive && log.following) return;
    const [first, last] = log.visible;
    if (!this.past) earlier.look(first, AHEAD);
    else if (first < AHEAD && !this.past.searches) void this.past.earlier().then(() => this._settled());
    else if (last > shown.list.length - AHEAD) void this.past.later().then(() => this._settled());
  }

  _settled() {
    const problem = this.past?.problem;
    if (problem) this.failed(problem);
    if (this.past && !this.past.busy) this._app.stage.early();
  }

  /** Go on with a search that was bounded. */
  async further() {
    if (!this.past) return this.searchBack();
    const going = this.past.earlier();
    this._app.stage.early();
    await going;
    this._settled();
    return this._app.frames.now();
  }

  /** @param {{ code?: string, message: string }} problem @param {boolean} [asked] somebody waits for it */
  failed(problem, asked = true) {
    if (problem.code === "unknown_event") this.available = false;
    if (asked && !this.available) this._app.said.tell("This server can’t read history.");
    else if (asked && problem.code !== "superseded" && problem.code !== "closed") this._app.said.tell(problem.message);
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
