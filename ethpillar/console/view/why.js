/** The why-panel: what a failed unit said last, and what to type. And what stands against a single log. */

import { advice, isBad } from "../model/advice.js";
import { ending, sorted } from "../model/services.js";
import { capital, count, visible } from "../model/text.js";
import { HOUR, MINUTE, span } from "../model/times.js";
import { Memo, button, byId, copyFrom, h, icon, set } from "./dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../model/services.js").Service} Service */

export class Why {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._memo = new Memo();
    this._root = byId("above");
    this._main = byId("main");
    /** Panels that were closed, by service and moment. @type {Set<string>} */
    this._closed = new Set();
    this._chosen = "";
    /** Notices that were dismissed. @type {Set<string>} */
    this._dismissed = new Set();
  }

  draw() {
    const { live, now, zone } = this._app;
    const at = now();
    const broken = sorted([...live.services.values()], at).filter((each) => (each.failed || each.loops(at)) && !this._closed.has(key(each)));
    const chosen = broken.find((each) => each.name === this._chosen) ?? broken[0];
    const notices = [...live.problems.values()].filter((each) => each.service && this._app.filters.shows(each.service) && !this._dismissed.has(`${each.service} ${each.code}`));
    const old = chosen?.failed && at - chosen.since > HOUR;
    const recent = chosen && !chosen.failed ? chosen.recent(at).length : 0;
    if (!this._memo.changed(chosen?.status, recent, old, broken.map((each) => each.name), notices, zone.name)) return;
    const parts = notices.map((each) => this._notice(each));
    if (chosen) parts.unshift(this._panel(chosen, broken, Boolean(old)));
    this._root.replaceChildren(...parts);
    this._main.classList.toggle("also", parts.length > 0);
    const last = this._root.querySelector(".last");
    if (last) last.scrollTop = last.scrollHeight;
  }

  /** @param {import("../wire/connection.js").WireError} problem */
  _notice(problem) {
    const dismiss = () => {
      this._dismissed.add(`${problem.service} ${problem.code}`);
      this._app.frames.now();
    };
    return h("section.notice", { "aria-label": "Problem" }, h("b", visible(problem.message)), h("span", visible(problem.hint ?? "")), button("btn", { onclick: dismiss }, "Dismiss"));
  }

  /** @param {Service} service @param {Service[]} all @param {boolean} folded */
  _panel(service, all, folded) {
    const close = () => {
      this._closed.add(key(service));
      this._app.frames.now();
    };
    const loops = !service.failed;
    const name = visible(service.name);
    const head = h("div.titles", h("h2", `What ${name} said last`), button("btn.plain.close", { "aria-label": "Close this panel", onclick: close }, icon("i-close")));
    const tabs = all.length > 1 ? h("div.group", { role: "group", "aria-label": "Which service" }, all.map((each) => button("pick", { "aria-pressed": String(each === service), onclick: () => ((this._chosen = each.name), this._app.frames.now()) }, visible(each.name)))) : null;
    const left = h("div", head, tabs, this._facts(service, loops), ...this._said(service));
    const body = [left, h("div.do", h("h3", "What to type on the node"), ...steps(service))];
    const section = h("section.incident", { "aria-label": `Why ${name} ${loops ? "restarts" : "failed"}` });
    if (!folded) return section.append(...body), section;
    section.classList.add("folded");
    const open = button("btn.plain", { "aria-expanded": "false", onclick: () => (section.classList.remove("folded"), section.replaceChildren(...body)) }, icon("i-chevron"), `Why ${name} failed ${span(this._app.now() - service.since)} ago`);
    section.append(h("div.titles", open, button("btn.plain.close", { "aria-label": "Close this panel", onclick: close }, icon("i-close"))));
    return section;
  }

  /** @param {Service} service @param {boolean} loops */
  _facts(service, loops) {
    const { now, zone } = this._app;
    const { exit_status, result, restarts } = service.status;
    const recent = service.recent(now());
    /** @type {[string, string][]} */
    const pairs = [];
    if (loops) pairs.push(["Restarts", `${recent.length} in ${span(Math.max(now() - recent[0], MINUTE))}`]);
    else if (!Number.isNaN(service.since)) pairs.push(["Stopped", zone.clock(service.since)]);
    const [term, value] = ending(service.status) ?? ["result", ""];
    if (term !== "result") pairs.push([capital(term), value]);
    else if (exit_status === 0 && !loops) pairs.push(["Exit status", "0"]);
    if (result && result !== "success") pairs.push(["Result", visible(result)]);
    if (!loops && restarts) pairs.push(["Restarts", `${restarts}, then systemd gave up`]);
    return h("dl.num", pairs.map(([term, value]) => h("div", h("dt", term), h("dd", value))));
  }

  /** @param {Service} service */
  _said(service) {
    const { zone } = this._app;
    const lines = service.status.last_lines ?? [];
    const at = Number.isNaN(service.since) ? this._app.now() : service.since;
    const copy = button("btn", { onclick: () => void copyFrom(copy, () => this._app.sharing.forHelper(service)) }, "Copy for a helper, masked");
    const acts = h("div.acts", button("btn", { onclick: () => this._app.travel.goTo(at, service.name) }, `Lines around ${zone.clock(at)}`), copy);
    if (!lines.length) return service.failed ? [h("p.none", "It printed nothing before it stopped."), acts] : [acts];
    const last = h("div.last.mono", { tabindex: 0, role: "region", "aria-label": "Last lines" });
    for (const line of lines) {
      const bad = isBad(line);
      last.append(h(`p${bad ? ".is-error" : ""}`, icon(bad ? "s-error" : "s-none"), h("bdi", visible(line))));
    }
    set(last, { "data-lines": count(lines.length, "line") });
    return [last, acts];
  }
}

/** @param {Service} service */
const key = (service) => `${service.name} ${service.failed ? service.since : "loop"}`;

/** @param {Service} service */
function steps(service) {
  const found = advice(service.name, service.status.last_lines ?? [], service.status.result);
  return found.flatMap(({ says, commands }) => [h("p", visible(says)), ...commands.map(command)]);
}

/** A command to be copied. @param {string} text */
export function command(text) {
  const shown = visible(text);
  const copy = button("btn", { "aria-label": `Copy: ${shown}`, onclick: () => void copyFrom(copy, () => text) }, "Copy");
  return h("div.cmd", h("code", shown), copy);
}
