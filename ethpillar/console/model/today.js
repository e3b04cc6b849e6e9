/**
 * What happened today: each failure, restart, gap, lost connection and run of errors, once, newest first.
 *
 * Belongs here: the list, and what makes two events the same. Pure.
 */

/**
 * @typedef {object} Happening
 * @property {string} key two with the same one are the same
 * @property {number} at milliseconds
 * @property {"failed" | "restart" | "gap" | "away" | "error" | "critical" | "reboot" | "problem"} kind
 * @property {string} service or ""
 * @property {number} count
 * @property {string} text
 * @property {string} [hint]
 * @property {number} [until]
 */

const MOST = 200;
/** Errors of one service that are no further apart than this are one run, in milliseconds. */
const RUN = 10 * 60_000;

export class Today {
  constructor() {
    /** Newest first. @type {Happening[]} */
    this.list = [];
  }

  /** @param {Omit<Happening, "count">} happening @returns {Happening} */
  add(happening) {
    const known = this.list.find((each) => each.key === happening.key);
    if (known) return Object.assign(known, happening, { at: known.at, count: known.count });
    const made = { ...happening, count: 1 };
    const place = this.list.findIndex((each) => each.at <= made.at);
    this.list.splice(place < 0 ? this.list.length : place, 0, made);
    this.list.length = Math.min(this.list.length, MOST);
    return made;
  }

  /** A line told of an error. @param {string} service @param {number} at @param {boolean} critical @param {string} message */
  error(service, at, critical, message) {
    const run = this.list.find((each) => each.service === service && (each.kind === "error" || each.kind === "critical") && at - (each.until ?? each.at) < RUN && each.at - at < RUN);
    if (!run) {
      this.add({ key: `error ${service} ${at}`, at, until: at, kind: critical ? "critical" : "error", service, text: message });
      return;
    }
    run.count++;
    run.at = Math.min(run.at, at);
    run.until = Math.max(run.until ?? run.at, at);
    if (critical) run.kind = "critical";
  }
}

/** @param {Happening} each */
export function words(each) {
  if (each.kind === "error" || each.kind === "critical") return each.count === 1 && each.kind === "critical" ? `${each.service}: ${each.text}` : `${each.service}: ${each.count} error${each.count === 1 ? "" : "s"}`;
  return each.text;
}
