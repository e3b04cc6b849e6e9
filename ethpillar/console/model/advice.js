/**
 * What to type on the node when a unit has failed.
 *
 * Belongs here: one table of phrases. Commands are shown to be copied, never sent. Pure.
 */

/** @typedef {{ says: string, commands: string[] }} Step */

const PATH = /(\/[\w.@+-]+){2,}/;
/** Characters that a unit's name may have in a command; one with others is not put into one. */
const PLAIN = /^[A-Za-z0-9:_.@-]+$/;

/** @type {{ phrase: RegExp, means: string, command: (line: string) => string, after: string }[]} */
const TABLE = [
  { phrase: /no space left on device/i, means: "the disk is full.", command: () => "df -h", after: "When there is room again:" },
  { phrase: /permission denied/i, means: "a file can’t be opened by the service’s user.", command: (line) => (PATH.exec(line) ? `sudo ls -l ${PATH.exec(line)?.[0]}` : "sudo ls -l"), after: "When that is put right:" },
  { phrase: /address already in use/i, means: "another program has its port.", command: () => "sudo ss -ltnp", after: "When the port is free:" },
  { phrase: /out of memory|oom-kill|cannot allocate memory/i, means: "the node ran out of memory.", command: () => "free -h", after: "When there is room again:" },
  { phrase: /jwt/i, means: "look at the secret that both clients share.", command: (line) => `sudo ls -l ${PATH.exec(line)?.[0] ?? "/secrets"}`, after: "When that is put right:" },
];

/**
 * At most three commands, with what each is for.
 *
 * @param {string} service @param {string[]} lines @param {string | null | undefined} result systemd's word
 * @returns {Step[]}
 */
export function advice(service, lines, result) {
  const unit = PLAIN.test(service) ? service : "";
  /** @type {Step[]} */
  const steps = [];
  let then = "To start it again:";
  const all = result === "oom-kill" ? [...lines, "oom-kill"] : lines;
  for (const { phrase, means, command, after } of TABLE) {
    const line = all.findLast((each) => phrase.test(each));
    if (line === undefined) continue;
    steps.push({ says: `“${phrase.exec(line)?.[0]}”: ${means}`, commands: [command(line)] });
    then = after;
    break;
  }
  if (unit) {
    steps.push({ says: then, commands: [`sudo systemctl restart ${unit}`] });
    steps.push({ says: "The whole story:", commands: [`journalctl -u ${unit} -n 200`] });
  }
  return steps;
}

/** A level at the beginning, after a time at most; or one that a key names. */
const BAD = /^\W{0,3}([\d[\]().:TZ,|/+-]+\s+|[a-z]{3}\s+\d+\s+){0,4}\W?(error|err|eror|fatal|crit|critical|panic|traceback)\b|\b(level|lvl)"?[=:]\s?"?(error|fatal|crit|panic)/i;

/** Whether a raw line tells of an error. @param {string} line */
export const isBad = (line) => BAD.test(line.slice(0, 160));
