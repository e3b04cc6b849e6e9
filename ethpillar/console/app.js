/**
 * The console as a whole: what it has, and when what is drawn.
 *
 * Belongs here: wiring the connection, the models and the parts of the screen.
 */

import { Chart } from "./chart.js";
import { Current } from "./current.js";
import { Earlier } from "./earlier.js";
import { Filters } from "./filters.js";
import { Links, arrive } from "./links.js";
import { Look } from "./look.js";
import { Missed } from "./missed.js";
import { Questions } from "./questions.js";
import { Sharing } from "./sharing.js";
import { Slots } from "./slots.js";
import { Travel } from "./travel.js";
import { Live } from "./model/live.js";
import { Foot, Tabs } from "./view/foot.js";
import { Frames } from "./view/frames.js";
import { Header } from "./view/header.js";
import { Help, Table } from "./view/help.js";
import { Histogram } from "./view/histogram.js";
import { Inputs } from "./view/inputs.js";
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
export const TOKEN = "token";

export class App {
  /** @param {string} token @param {string} fragment without the token */
  constructor(token, fragment) {
    this.token = token;
    this.now = () => Date.now();
    this._narrow = matchMedia(SMALL);
    this.inputs = new Inputs();
    const parts = { work: (/** @type {number} */ budget) => !this.filters.work(budget), take: (/** @type {number} */ budget) => this.live.work(budget), paint: () => this._paint(), rest: () => this._rest() };
    this.frames = new Frames(parts, this.inputs);
    this.live = new Live(() => this.frames.want(), this.now);
    this.look = new Look(this);
    this.live.clock = (ms) => this.zone.clock(ms);
    /** @type {Connection | null} */
    this.connection = null;
    this.side = false;
    /** On phones: which page is shown. @type {"services" | "log" | "events"} */
    this.page = "services";
    this.filters = new Filters(this);
    this.questions = new Questions(this);
    this.links = new Links(this);
    this.travel = new Travel(this);
    this.earlier = new Earlier(this);
    this.missed = new Missed(this);
    this.current = new Current(this);
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
    this.look.apply();
    if (fragment) this.links.open(fragment);
    if (token) this.enter(token);
    else this.frames.now();
  }

  get small() {
    return this._narrow.matches;
  }

  get zone() {
    return this.look.zone;
  }

  get options() {
    return this.look.options;
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
    window.addEventListener("popstate", () => this._moved());
    document.addEventListener("copy", (event) => this.sharing.copied(event));
  }

  /** The address is another one: a place, or a link of the dashboard that was opened in this tab. */
  _moved() {
    const { token, rest } = arrive();
    if (!token || !this.connection) this.links.open(rest);
    if (token) this.enter(token);
  }

  /** Look at the session of a token. @param {string} token */
  enter(token) {
    if (this.connection) {
      sessionStorage.setItem(TOKEN, token);
      return location.reload(); // another session's lines are not mixed with these
    }
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
    return this.frames.now();
  }

  // -- lines

  /** @param {number[]} added @param {number[]} grown @param {number[]} gone */
  _lines(added, grown, gone) {
    const shown = this.filters.live;
    const here = this.travel.isLive;
    const from = added.length ? shown.added(added) : shown.list.length;
    const count = shown.gone(gone);
    if (here && gone.length) {
      this.filters.gone(gone);
      this.log.gone(gone, count);
    }
    if (here) {
      if (added.length) this.log.grown(Math.max(0, from - count));
      for (const slot of grown) this.log.refresh(slot);
    }
    this.missed.added(added);
    this.chart.added(added);
    this.said.added(added);
  }

  togglePause() {
    if (!this.travel.isLive || !this.log.following) this.travel.goLive();
    else this.log.stop("space");
  }

  // -- drawing

  _paint() {
    this.stage.draw();
    return this.log.paint();
  }

  /** What nobody reads faster than four times a second, in parts. */
  _rest() {
    const parts = [this.header, this.verdict, this.rail, this.why, this.tools, this.foot, this.tabs, this.said];
    return [...parts.map((part) => () => part.draw()), () => this.histogram.pressed || this.histogram.draw(), () => this.travel.look()];
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
      flood: live.pace.flood,
      silent: live.silent,
      clock: (ms) => this.zone.clock(ms),
      now: this.now(),
    };
  }

  // -- how it looks

  /** @param {boolean} on */
  setSide(on) {
    this.side = on;
    this.log.redraw();
    this.frames.now();
  }

  /** @param {App["page"]} page */
  setPage(page) {
    this.page = page;
    if (page === "log") this.missed.unseen = 0;
    this.frames.now();
    this.log.changed();
  }

  /** The colour of a service. @param {string} name */
  hue(name) {
    return this.live.services.get(name)?.hue ?? 6;
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
