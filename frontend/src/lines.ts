/**
 * A line as the server sends it, and as a page gets it.
 *
 * Belongs here: what can be told of one line by itself. Our server has parsed it; of a bare line only what every
 * client prints alike is read: a level at its beginning, and a time that is a time.
 */

import type { EthFields, Gap, Level, LogLine } from "./protocol.js";

export interface LogEntry {
  /** Unique in the page, and growing. */
  id: number;
  service: string;
  /** The line as the client printed it. */
  raw: string;
  /** ISO 8601; left out when there is none that `Date` reads. */
  timestamp?: string;
  level?: Level;
  /** The part a person reads, without time, level and fields. */
  message: string;
  /** The fields after the message, as printed. */
  metadata?: Record<string, string>;
  component?: string;
  cursor?: string;
  /** The line belongs to the one before: a stack trace, a list. */
  continuation?: boolean;
  eth?: EthFields;
  boot?: string;
  /** Not a line, but a mark: lines are missing here. `raw` and `message` say so in words. */
  gap?: Gap;
}

const LEVELS: Record<string, Level> = {
  T: "trace",
  D: "debug",
  V: "debug",
  I: "info",
  N: "info",
  W: "warn",
  E: "error",
  C: "critical",
  F: "critical",
};
const LEVEL =
  /(?:^|[\s[|"=(])(TRACE|TRCE|TRC|DEBUG|DEBG|DBUG|DBG|VERBOSE|INFO|INF|NOTICE|NOTE|NTC|WARNING|WARN|WRN|ERROR|EROR|ERRO|ERR|CRITICAL|CRIT|FATAL|FTL)(?:$|[\s\]|":)])/i;
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/;
// eslint-disable-next-line no-control-regex
const COLOUR = /\u001b\[[0-9;]*m/g;

/** The time as ISO 8601, or undefined for one that can't be read. */
export function readTime(value: unknown): string | undefined {
  if (typeof value !== "string" || !value) return undefined;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return undefined;
  return /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(value) ? value : new Date(at).toISOString();
}

function readLevel(line: string): Level | undefined {
  const found = LEVEL.exec(line.slice(0, 80))?.[1];
  return found === undefined ? undefined : LEVELS[found.charAt(0).toUpperCase()];
}

/** Return true for what only ends a page's "Loading logs...": an empty line, and nothing with it. */
export const isMark = (line: LogLine): boolean => line.line === "" && line.cursor === undefined && !line.timestamp;

export function entryOf(id: number, service: string, line: LogLine): LogEntry {
  const parsed = typeof line.message === "string";
  const raw = parsed ? line.line : line.line.replace(COLOUR, "");
  const entry: LogEntry = { id, service, raw, message: (parsed && line.message) || raw };
  const timestamp = readTime(parsed ? line.timestamp : TIME.exec(raw.slice(0, 80))?.[0].replace(",", "."));
  if (timestamp) entry.timestamp = timestamp;
  const level = parsed ? line.level : readLevel(raw);
  if (level) entry.level = level;
  if (line.fields && Object.keys(line.fields).length) entry.metadata = line.fields;
  if (line.component) entry.component = line.component;
  if (line.cursor) entry.cursor = line.cursor;
  if (line.continuation) entry.continuation = true;
  if (line.eth) entry.eth = line.eth;
  if (line.boot) entry.boot = line.boot;
  return entry;
}

const WHY: Record<string, string> = {
  vacuumed: "the node's journal no longer has them",
  damaged: "the node's journal is damaged here",
  order: "the node's journal is out of order here",
  slow: "this page could not keep up",
  reconnected: "the connection was lost meanwhile",
};

export function gapEntry(id: number, service: string, gap: Gap): LogEntry {
  const count = gap.skipped === undefined ? "Lines" : `${gap.skipped} lines`;
  const may = gap.reason === "reconnected" ? "may be" : "are";
  const message = `--- ${count} ${may} missing here: ${WHY[gap.reason] ?? gap.reason} ---`;
  const entry: LogEntry = { id, service, raw: message, message, level: "warn", gap };
  const timestamp = readTime(gap.to ?? gap.from);
  if (timestamp) entry.timestamp = timestamp;
  return entry;
}
