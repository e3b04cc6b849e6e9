/**
 * What a refusal means for the session, and how long to wait before the next try.
 *
 * Belongs here: the server's error codes about a session. No socket, no clock.
 */

const ENDED = new Set(["session_expired", "session_required"]);
/** What may be over soon, and is tried again by the server. */
const PASSING = new Set(["ssh_unreachable", "ssh_timeout", "ssh_error", "ssh_no_session", "ssh_node_ill", "ssh_shell_hangs"]);
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/**
 * What an error code says of the session: it has ended; the node refuses it, and no further try can mend that; the node
 * is away, and the server tries again. "" when it says nothing of it.
 *
 * @param {string | undefined} code @returns {"ended" | "refused" | "away" | ""}
 */
export function meaning(code) {
  if (!code) return "";
  if (ENDED.has(code)) return "ended";
  if (PASSING.has(code)) return "away";
  return code === "host_key_changed" || code.startsWith("ssh_") ? "refused" : "";
}

/**
 * How long to wait before a try: doubled each time, up to 30 s, and a random half of it, so that a thousand pages do not
 * come back at once.
 *
 * @param {number} attempt from 0 @param {() => number} [random] from 0 to 1
 */
export function delay(attempt, random = Math.random) {
  return Math.min(FIRST_DELAY * 2 ** attempt, LONGEST_DELAY) * (0.5 + random() / 2);
}
