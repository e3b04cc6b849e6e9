/**
 * What can be wrong, and what follows from it.
 *
 * Belongs here: reading what a server sends as a problem, and telling which problems are over only with another
 * session.
 */

import type { Problem } from "./protocol.js";

/** An `Error` with a stable `code`. */
export class RealtimeError extends Error {
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "RealtimeError";
    this.code = problem.code;
    this.hint = problem.hint;
  }
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);

/** Whatever came as an error, with text where text belongs. */
export function problemOf(payload: unknown, fallback = "Something went wrong on the server."): Problem {
  const given = (typeof payload === "object" && payload !== null ? payload : { message: payload }) as Partial<Problem>;
  const problem: Problem = { message: text(given.message) ?? fallback };
  for (const key of ["code", "service", "hint"] as const) {
    const value = text(given[key]);
    if (value) problem[key] = value;
  }
  return problem;
}

/** The session is unknown to the server. Older servers have no codes. */
export const isExpired = ({ code, message }: Problem): boolean =>
  code === "session_expired" || (!code && /invalid or expired session/i.test(message));

const AWAY = new Set(["ssh_unreachable", "ssh_timeout", "ssh_no_session", "ssh_node_ill", "ssh_shell_hangs"]);

/** The node is away: it is tried again by the server. */
export const isAway = ({ code = "" }: Problem): boolean => AWAY.has(code);

/** Trying again with the same session is of no use: the node refuses it, or is not the node it was. */
export const isFinal = ({ code = "" }: Problem): boolean =>
  code === "host_key_changed" || (code.startsWith("ssh_") && code !== "ssh_error" && !AWAY.has(code));

// What is wrong where no server has said so.
export const NO_SESSION: Problem = { code: "no_session", message: "There is no session. Please sign in." };
export const UNREACHABLE: Problem = {
  code: "server_unreachable",
  message: "The server can't be reached at the moment. Trying again.",
  hint: "If this goes on: is the server running, and does its FRONTEND_URL name this page's origin?",
};
export const LOST: Problem = { code: "disconnected", message: "The connection to the server was lost. Trying again." };
export const REFUSED: Problem = { code: "refused", message: "The server did not accept the session. Trying again." };
export const SLOW: Problem = { code: "timeout", message: "The server does not answer. Trying again." };
