/**
 * Times as people read and type them, in the viewer's zone, the node's, or UTC.
 *
 * Belongs here: formatting and reading. Times are milliseconds since the epoch. Pure but for the locale's zone.
 */

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** How long ago, or for how long: "12 s", "5 min", "9 h", "3 d". @param {number} ms */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) return `${seconds} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.floor(ms / HOUR)} h` : `${Math.floor(ms / DAY)} d`;
}

/** The same with two units: "4 min 21 s". @param {number} ms */
export function exactSpan(ms) {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return seconds % 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds / 60} min`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} d`;
}

/** A zone, and how its times are written. */
export class Zone {
  /** @param {string} name an IANA name, or "UTC" */
  constructor(name) {
    this.name = name;
    const make = (/** @type {Intl.DateTimeFormatOptions} */ options) => new Intl.DateTimeFormat("en-GB", { timeZone: name, ...options });
    this._clock = make({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this._minute = make({ hour: "2-digit", minute: "2-digit" });
    this._day = make({ weekday: "long", day: "numeric", month: "long" });
    this._date = make({ day: "numeric", month: "short" });
    this._parts = make({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this._second = NaN;
    this._text = "";
    this._quarter = NaN;
    this._dateText = "";
  }

  /** The viewer's own. */
  static own() {
    return new Zone(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  }

  /** Null when the name is no zone's. @param {string | undefined} name */
  static named(name) {
    try {
      return name ? new Zone(name) : null;
    } catch {
      return null;
    }
  }

  /** "03:12:41" @param {number} ms */
  clock(ms) {
    const second = Math.floor(ms / SECOND);
    if (second !== this._second) {
      this._second = second;
      this._text = this._clock.format(second * SECOND);
    }
    return this._text;
  }

  /** ".600" @param {number} ms */
  millis(ms) {
    return `.${String(Math.floor(ms) % SECOND).padStart(3, "0")}`;
  }

  /** "03:12" @param {number} ms */
  minute(ms) {
    return this._minute.format(ms);
  }

  /** "Thursday 26 November" @param {number} ms */
  day(ms) {
    return this._day.format(ms).replace(",", "");
  }

  /** "25 Nov" @param {number} ms */
  date(ms) {
    const quarter = Math.floor(ms / (15 * MINUTE)); // no zone's day begins within one
    if (quarter !== this._quarter) {
      this._quarter = quarter;
      this._dateText = this._date.format(quarter * 15 * MINUTE);
    }
    return this._dateText;
  }

  /** "25 Nov, 18:00", the date only when it is not today's. @param {number} ms @param {number} now */
  moment(ms, now) {
    const day = this.date(ms);
    return day === this.date(now) ? this.minute(ms) : `${day}, ${this.minute(ms)}`;
  }

  /** Minutes east of UTC. @param {number} ms */
  offset(ms) {
    const [day, month, year, hour, minute, second] = this._parts.format(ms).split(/\D+/).map(Number);
    return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / SECOND) * SECOND) / MINUTE);
  }

  /** "Berlin, UTC+1" @param {number} ms */
  label(ms) {
    const minutes = this.offset(ms);
    if (this.name === "UTC") return "UTC";
    const hours = Math.abs(minutes) / 60;
    const place = (this.name.split("/").at(-1) ?? "").replaceAll("_", " ");
    return `${place}, UTC${minutes === 0 ? "" : (minutes < 0 ? "−" : "+") + (hours % 1 ? `${Math.floor(hours)}:${String(Math.abs(minutes) % 60).padStart(2, "0")}` : hours)}`;
  }

  /** "2026-11-26T03:12:41.600+01:00" @param {number} ms */
  iso(ms) {
    const minutes = this.offset(ms);
    const text = new Date(ms + minutes * MINUTE).toISOString().slice(0, 23);
    if (minutes === 0) return `${text}Z`;
    const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
    return `${text}${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  }

  /** The start of a moment's day. @param {number} ms */
  midnight(ms) {
    return this.of(this.wall(ms).slice(0, 10), "00:00:00") ?? ms;
  }

  /** "2026-11-26T03:12:41", the time as its clocks show it. @param {number} ms */
  wall(ms) {
    return new Date(ms + this.offset(ms) * MINUTE).toISOString().slice(0, 19);
  }

  /** A moment from a date and a time of this zone; null when they are none. @param {string} date @param {string} time */
  of(date, time) {
    const plain = Date.parse(`${date}T${time}Z`);
    if (Number.isNaN(plain)) return null;
    const first = plain - this.offset(plain) * MINUTE;
    return plain - this.offset(first) * MINUTE; // once more: the first guess may be on the other side of a change of clocks
  }
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const UNITS = { s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: DAY };

/**
 * What somebody typed as a time: "02:50", "-2h", "25 Nov 18:00", "2026-11-25 18:00", "yesterday 18:00", an ISO time.
 *
 * @param {string} typed @param {number} now @param {Zone} zone
 * @returns {number | null} milliseconds; null when it is none. A time of day is the last one that has been.
 */
export function readTime(typed, now, zone) {
  const text = typed.trim().toLowerCase().replace(/,/g, " ").replace(/\s+/g, " ");
  if (text === "now") return now;
  const ago = /^-?(\d+(?:\.\d+)?) ?(s|min|m|h|d)(?: ago)?$/.exec(text);
  if (ago) return now - Number(ago[1]) * UNITS[/** @type {keyof UNITS} */ (ago[2])];
  if (/^\d{4}-\d\d-\d\dt.*(z|[+-]\d\d:?\d\d)$/.test(text)) return Date.parse(typed.trim()) || null;
  const parts = /^(?:(\d{4}-\d\d-\d\d)|(\d{1,2}) ([a-z]{3})[a-z]*(?: (\d{4}))?|(today|yesterday))?[ t]?(?:(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?$/.exec(text);
  if (!parts || !text) return null;
  const [, whole, day, month, year, word, hours, minutes, seconds] = parts;
  const today = zone.wall(now).slice(0, 10);
  let date = whole ?? today;
  if (word === "yesterday") date = zone.wall(zone.midnight(now) - HOUR).slice(0, 10);
  if (day) {
    if (!MONTHS.includes(month)) return null;
    date = `${year ?? today.slice(0, 4)}-${String(MONTHS.indexOf(month) + 1).padStart(2, "0")}-${day.padStart(2, "0")}`;
  }
  const found = zone.of(date, `${(hours ?? "0").padStart(2, "0")}:${minutes ?? "00"}:${seconds ?? "00"}`);
  if (found === null || found <= now) return found;
  if (!whole && !day && !word) return zone.of(zone.wall(zone.midnight(now) - HOUR).slice(0, 10), `${hours.padStart(2, "0")}:${minutes}:${seconds ?? "00"}`);
  return day && !year ? zone.of(`${Number(date.slice(0, 4)) - 1}${date.slice(4)}`, `${(hours ?? "0").padStart(2, "0")}:${minutes ?? "00"}:00`) : found;
}
