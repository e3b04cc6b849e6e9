/** Histogram: errors have a lane of their own and are never too small to see. Click goes there, drag chooses a time. */

import { BUCKETS } from "../model/buckets.js";
import { count } from "../model/text.js";
import { Memo, attribute, byId, h, s } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const W = 1200;
const HEIGHT = 54;
const LANE = 20;
/** Errors are never lower than this, in pixels. */
const LEAST = 4;
const LOW = "(max-height: 600px)";
const CLICK = 4;
/** How near to an end of the chosen time a pointer takes hold of it, in pixels. */
const GRIP = 10;

export class Histogram {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._at = BUCKETS - 1;
    this._pressed = /** @type {{ x: number, now: number } | null} */ (null);
    this._root = byId("when");
    /** Where there is little height, only what is wrong is drawn. */
    this._low = matchMedia(LOW);
    this._bars = s("g");
    this._brush = s("g");
    this._svg = s(
      "svg",
      { viewBox: `0 0 ${W} ${HEIGHT}`, preserveAspectRatio: "none", role: "slider", tabindex: 0, "aria-label": "Lines over time", "aria-valuemin": 0, "aria-valuemax": BUCKETS - 1, "aria-valuenow": BUCKETS - 1 },
      s("defs", s("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("path.hatch", { d: "M0 0V6" }))),
      this._bars,
      this._brush,
    );
    this._hours = h("div.hours.num", { "aria-hidden": "true" });
    this._tip = h("div.tip.num", { hidden: true });
    this._root.append(this._svg, this._hours, this._tip);
    this._listen();
  }

  /** A moment of a bucket must not go away under a pressed pointer. */
  get pressed() {
    return this._pressed !== null;
  }

  _listen() {
    const svg = this._svg;
    const part = (/** @type {PointerEvent | MouseEvent} */ event) => {
      const { left, width } = svg.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - left) / width));
    };
    svg.addEventListener("pointerdown", (event) => {
      this._pressed = this._grip(part(event)) ?? { x: part(event), now: part(event) };
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      this._show(Math.floor(part(event) * BUCKETS));
      if (!this._pressed) return;
      this._pressed.now = part(event);
      this._drawBrush();
    });
    svg.addEventListener("pointerup", (event) => {
      const pressed = this._pressed;
      this._pressed = null;
      if (!pressed) return;
      const { buckets } = this._app.chart;
      const time = (/** @type {number} */ x) => buckets.from + x * (buckets.to - buckets.from);
      const moved = Math.abs(pressed.x - part(event)) * svg.getBoundingClientRect().width;
      if (moved < CLICK) this._app.travel.goToBucket(Math.min(BUCKETS - 1, Math.floor(pressed.x * BUCKETS)));
      else this._app.travel.choose(time(Math.min(pressed.x, part(event))), time(Math.max(pressed.x, part(event))));
      this._drawBrush();
    });
    svg.addEventListener("pointercancel", () => {
      this._pressed = null;
      this._drawBrush();
    });
    svg.addEventListener("pointerleave", () => (this._tip.hidden = true));
    svg.addEventListener("blur", () => (this._tip.hidden = true));
    svg.addEventListener("dblclick", () => this._app.travel.widen());
    svg.addEventListener("focus", () => svg.matches(":focus-visible") && this._show(this._at));
    svg.addEventListener("keydown", (event) => this._key(event));
  }

  /** An end of the chosen time that is pressed: it moves, the other one stays. @param {number} now */
  _grip(now) {
    const { brush } = this._app.chart;
    if (!brush) return null;
    const ends = brush.map((ms) => this._x(ms) / W);
    const near = ends.map((end) => Math.abs(end - now) * this._svg.getBoundingClientRect().width);
    if (Math.min(...near) > GRIP) return null;
    return { x: ends[near[0] < near[1] ? 1 : 0], now };
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -BUCKETS, End: BUCKETS }[event.key];
    if (step !== undefined) this._show(Math.min(BUCKETS - 1, Math.max(0, this._at + step)));
    else if (event.key === "Enter") this._app.travel.goToBucket(this._at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Say what is in a bucket. @param {number} index */
  _show(index) {
    const { buckets } = this._app.chart;
    this._at = Math.min(BUCKETS - 1, Math.max(0, index));
    const text = this.sentence(this._at);
    attribute(this._svg, "aria-valuenow", String(this._at));
    attribute(this._svg, "aria-valuetext", text);
    this._tip.textContent = text;
    this._tip.hidden = false;
    const x = (buckets.list.length ? (this._at + 0.5) / BUCKETS : 0) * this._root.clientWidth;
    this._tip.style.left = `${Math.min(Math.max(x, 130), this._root.clientWidth - 130)}px`;
  }

  /** "03:07:30 to 03:08: 212 lines, 3 warnings, 9 errors" @param {number} index */
  sentence(index) {
    const { zone, chart: { buckets } } = this._app;
    const { lines, warn, error } = buckets.list[index];
    const clock = (/** @type {number} */ ms) => zone.clock(ms).replace(/:00$/, "");
    const parts = [count(lines, "line"), warn && count(warn, "warning"), error && count(error, "error")].filter(Boolean);
    return `${clock(buckets.start(index))} to ${clock(buckets.start(index + 1))}: ${parts.join(", ")}`;
  }

  draw() {
    const { zone, small, live, chart: { buckets, flags, holes, brush } } = this._app;
    const now = live.now();
    if (this._pressed) return;
    const low = this._low.matches;
    const key = [low, buckets.from, buckets.list.map((each) => [each.lines, each.warn, each.error]), flags, holes, brush, small, zone.name, this._app.travel.isLive];
    if (!this._memo.changed(key)) return;
    const step = small ? 2 : 1;
    /** Rectangles of each kind, as one path: a chart of hundreds of elements would be felt. */
    const paths = { bar: "", "bar-e": "", "bar-w": "" };
    const list = buckets.list;
    const merged = list.map((each, i) => (small && i % 2 === 0 && list[i + 1] ? { lines: each.lines + list[i + 1].lines, warn: each.warn + list[i + 1].warn, error: each.error + list[i + 1].error } : each));
    const top = Math.max(1, ...merged.map((each) => each.lines));
    const badTop = Math.max(4, ...merged.map((each) => each.warn + each.error));
    const least = (LEAST * HEIGHT) / (small ? 40 : HEIGHT);
    const high = (/** @type {number} */ n) => Math.sqrt(n / badTop) * LANE;
    for (let i = 0; i < BUCKETS; i += step) {
      const { lines, warn, error } = merged[i];
      const x = i * 10 + 1;
      const width = 10 * step - 2;
      const all = lines ? Math.max(1, (lines / top) * LANE) : 0;
      const errors = error ? Math.max(least, high(error)) : 0;
      const warnings = warn ? Math.max(least, high(error + warn) - errors) : 0;
      if (all && !low) paths.bar += rectangle(x, 53 - all, width, all);
      if (errors) paths["bar-e"] += rectangle(x, 28 - errors, width, errors);
      if (warnings) paths["bar-w"] += rectangle(x + 1, 28.5 - errors - warnings, width - 2, warnings - 1);
    }
    const bars = Object.entries(paths).map(([kind, d]) => s(`path.${kind}`, { d, "vector-effect": "non-scaling-stroke" }));
    for (const y of low ? [28.5] : [28.5, 53.5]) bars.push(s("line.axis", { x1: 0, x2: W, y1: y, y2: y }));
    for (const [from, to] of holes) bars.push(box("hole", this._x(from), 8, Math.max(0, this._x(to) - this._x(from)), 45));
    for (const { at, bad } of flags) bars.push(s(`path.flag${bad ? ".bad" : ""}`, { d: `M${this._x(at)} 8l-5-8h10z` }));
    attribute(this._svg, "viewBox", `0 0 ${W} ${low ? 30 : HEIGHT}`);
    this._bars.replaceChildren(...bars);
    this._drawBrush();
    const marks = small ? 3 : 6;
    const span = buckets.to - buckets.from;
    this._hours.replaceChildren(...Array.from({ length: marks + 1 }, (_, i) => h("span", i === marks && this._app.travel.isLive ? "now" : i === 0 ? zone.moment(buckets.from, now) : zone.minute(buckets.from + (span * i) / marks))));
    attribute(this._svg, "aria-valuetext", this.sentence(this._at));
  }

  _drawBrush() {
    const { brush } = this._app.chart;
    const pressed = this._pressed;
    const range = pressed ? [Math.min(pressed.x, pressed.now) * W, Math.max(pressed.x, pressed.now) * W] : brush ? [this._x(brush[0]), this._x(brush[1])] : null;
    if (!range || range[1] - range[0] < 2) return this._brush.replaceChildren();
    this._brush.replaceChildren(box("brush", range[0], 8, range[1] - range[0], 45), ...range.map((x) => s("rect.grip", { x: x - 2.5, y: 20, width: 5, height: 20, rx: 2 })));
  }

  /** @param {number} ms */
  _x(ms) {
    const { buckets } = this._app.chart;
    return Math.min(W, Math.max(0, ((ms - buckets.from) / (buckets.to - buckets.from)) * W));
  }
}

/** @param {string} kind @param {number} x @param {number} y @param {number} width @param {number} height */
const box = (kind, x, y, width, height) => s(`rect.${kind}`, { x, y, width, height, "vector-effect": "non-scaling-stroke" });

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const rectangle = (x, y, width, height) => `M${x} ${y.toFixed(1)}h${width}v${height.toFixed(1)}h${-width}z`;
