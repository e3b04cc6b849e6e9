"""The simulated commands: one process for each call, the standard library only, nothing of ours imported.

Belongs here: what a real `journalctl`, `systemctl` and `sudo` print and return, for the options that are used of them,
measured on systemd 252 and sudo 1.9. An option that is not known is an error, so that no test passes on one.
"""

import json
import os
import select
import sys
import time

ROOT = "SIMNODE_ROOT"
READ = 1 << 20


def main(command, state):
    """Runs one command and exits."""
    note(command, state)
    try:
        code = {"journalctl": journalctl, "systemctl": systemctl, "sudo": sudo}[command](sys.argv[1:], state)
        sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        code = 1
    os._exit(code)


def note(command, state):
    """Leaves a trace of the call, for those who count."""
    record = {"argv": [command, *sys.argv[1:]], "pid": os.getpid(), "sudo": ROOT in os.environ}
    descriptor = os.open(state + "/calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, json.dumps(record).encode() + b"\n")
    os.close(descriptor)


def load(state, name):
    """A part of the state."""
    with open(state + "/" + name) as file:
        return json.load(file)


def fail(text, code=1):
    """An error as commands print it."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    return code


# -- sudo


def sudo(words, state):
    """`sudo -n -- words` and `sudo -S -p '' -- words`."""
    askpass = stdin = False
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--":
            break
        if word == "-n":
            askpass = True
        elif word == "-S":
            stdin = True
        elif word == "-p":
            words.pop(0)
        else:
            return fail("sudo: invalid option " + word)
    control = load(state, "control")
    if control["access"] != "sudo":
        if askpass:
            return fail("sudo: a password is required")
        if not stdin:
            return fail("sudo: a terminal is required to read the password")
        given = read_line()
        if given is None:
            return fail("sudo: no password was provided\nsudo: a password is required")
        if control["access"] != "sudo-password" or given != control.get("password"):
            sys.stderr.write("Sorry, try again.\n")
            return fail("sudo: no password was provided\nsudo: 1 incorrect password attempt")
    os.environ[ROOT] = "1"
    program = state + "/bin/" + words[0]
    return os.execv(program, [program, *words[1:]])


def read_line():
    """A line from standard input, read byte by byte as sudo does: the rest is the command's."""
    line = b""
    while True:
        byte = os.read(0, 1)
        if not byte:
            return line.decode() if line else None
        if byte == b"\n":
            return line.decode()
        line += byte


# -- systemctl

DEFAULTS = {
    "Id": "",
    "LoadState": "loaded",
    "ActiveState": "inactive",
    "SubState": "dead",
    "Description": "",
    "MainPID": "0",
    "NRestarts": "0",
    "MemoryCurrent": "[not set]",
    "UnitFileState": "disabled",
    "Result": "success",
    "ExecMainStatus": "0",
    "StateChangeTimestamp": "",
}
# systemd prints properties in an order of its own, whatever was asked first.
ORDER = ["Result", "MainPID", "NRestarts", "ExecMainStatus", "MemoryCurrent", "Id", "Description", "LoadState"]
ORDER += ["ActiveState", "SubState", "UnitFileState", "StateChangeTimestamp"]


def systemctl(words, state):
    """`systemctl show UNIT... --property=...`, and `is-active`."""
    mode = load(state, "control").get("systemctl")
    if mode == "hang":
        time.sleep(3600)
    if mode == "fail":
        return fail("Failed to connect to bus: No such file or directory")
    verb, names, properties, unix = None, [], None, False
    for word in words:
        if word in ("--", "--no-pager"):
            continue
        if word.startswith("--property="):
            properties = word.partition("=")[2].split(",")
        elif word.startswith("--timestamp="):
            if mode == "old":
                return fail("systemctl: unrecognized option '" + word + "'")
            unix = word == "--timestamp=unix"
        elif word.startswith("-"):
            return fail("systemctl: unrecognized option '" + word + "'")
        elif verb is None:
            verb = word
        else:
            names.append(word if "." in word else word + ".service")
    units = load(state, "units")
    if verb == "is-active":
        found = units.get(names[0], {}).get("ActiveState", "inactive")
        print(found)
        return 0 if found == "active" else 3
    if verb != "show":
        return fail("Unknown command verb " + str(verb) + ".")
    blocks = []
    for name in names:
        shown = show(name, units.get(name), unix)
        blocks.append("\n".join(key + "=" + shown[key] for key in ORDER if properties is None or key in properties))
    print("\n\n".join(blocks))
    return 0


def show(name, unit, unix):
    """The properties of one unit."""
    shown = dict(DEFAULTS, Id=name, Description=name)
    if unit is None:
        shown.update(LoadState="not-found", UnitFileState="")
        return shown
    shown.update(unit)
    since = shown["StateChangeTimestamp"]
    if since:
        local = time.strftime("%a %Y-%m-%d %H:%M:%S %Z", time.localtime(int(since)))
        shown["StateChangeTimestamp"] = "@" + since if unix else local
    return shown


# -- journalctl


def journalctl(words, state):
    """`journalctl -u UNIT -o export|json|cat|short -n N -f --cursor=...`."""
    options = parse(words)
    if isinstance(options, int):
        return options
    rights = may_read(state)
    if rights == "own":
        return 0
    if rights == "none":
        fail("No journal files were opened due to insufficient permissions.")
        if options["follow"]:
            time.sleep(1 << 30)  # the real one hangs for ever, too
        return 1
    cursor = options["cursor"] or options["after_cursor"]
    wanted = None
    if cursor is not None:
        wanted = dict(part.partition("=")[::2] for part in cursor.split(";"))
        if not {"s", "i", "t"} <= set(wanted):
            return fail("Failed to seek to cursor: Invalid argument")
    return Reader(state, options, wanted).run()


def may_read(state):
    """`all`, `own` (an own user journal only) or `none`."""
    access = load(state, "control")["access"]
    if access == "plain" or ROOT in os.environ:
        return "all"
    return "own" if access == "own-user-only" else "none"


def parse(words):
    """The options, or an exit status."""
    options = {"units": set(), "output": "short", "lines": None, "follow": False, "cursor": None, "after_cursor": None}
    options.update(fields=None, quiet=False, no_tail=False)
    words = list(words)
    while words:
        word, equals, value = words.pop(0).partition("=") if words[0].startswith("--") else (words.pop(0), "", "")
        if word in ("-u", "--unit", "-o", "--output", "-n", "--lines", "--output-fields", "--cursor", "--after-cursor"):
            if not equals:
                value = words.pop(0)
            if word in ("-u", "--unit"):
                options["units"].add(value if "." in value else value + ".service")
            elif word in ("-o", "--output"):
                options["output"] = value
            elif word in ("-n", "--lines"):
                options["lines"] = None if value == "all" else int(value)
                options["no_tail"] = value == "all"
            elif word == "--output-fields":
                options["fields"] = set(value.split(","))
            else:
                options[word[2:].replace("-", "_")] = value
        elif word in ("-f", "--follow"):
            options["follow"] = True
        elif word == "--no-tail":
            options["no_tail"] = True
        elif word in ("-q", "--quiet", "--no-pager", "--system", "-a", "--all"):
            options["quiet"] = options["quiet"] or word in ("-q", "--quiet")
        else:
            return fail("journalctl: unrecognized option '" + word + "'")
    if options["follow"] and options["lines"] is None and not options["no_tail"]:
        options["lines"] = 10
    return options


class Reader:
    """One journalctl that prints."""

    def __init__(self, state, options, wanted):
        self.state = state
        self.options = options
        self.wanted = wanted
        self.units = options["units"]
        self.last = 0
        self.file = open(state + "/journal", "rb")
        self.rest = b""
        self.ending = load(state, "control").get("end_followers")

    def run(self):
        records = list(self.seek(self.records()))
        if self.options["lines"] is not None and self.wanted is None:
            records = records[len(records) - self.options["lines"] :] if self.options["lines"] else []
        if not records and not self.options["quiet"] and not self.options["follow"]:
            print("-- No entries --")
        self.write(records)
        return self.follow() if self.options["follow"] else 0

    def records(self):
        """The records that were appended since, of the units asked for; never a part of one."""
        while True:
            data = self.file.read(READ)
            if not data:
                return
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                record = json.loads(line)
                if record[1] > self.last:
                    self.last = record[1]
                    yield record

    def matches(self, record):
        return not self.units or record[0] in self.units

    def seek(self, records):
        """Those from the cursor on. A cursor of another journal, or one that is gone, starts somewhere near."""
        if self.wanted is None:
            return (record for record in records if self.matches(record))
        found = [record for record in records if self.at_or_after(record)]
        matching = [record for record in found if self.matches(record)]
        if self.options["after_cursor"] is not None and found:
            # systemd issue 30288: one matching entry is skipped, also when the one at the cursor was not matching
            return iter(matching[1:])
        return iter(matching)

    def at_or_after(self, record):
        if record[2].startswith("s=" + self.wanted["s"]):
            return record[1] >= int(self.wanted["i"], 16)
        return record[3] >= int(self.wanted["t"], 16)

    def follow(self):
        poll = select.poll()
        poll.register(1, select.POLLERR | select.POLLHUP)
        while True:
            if load(self.state, "control").get("end_followers") != self.ending:
                return fail("Failed to iterate through journal: Bad message")
            self.write([record for record in self.records() if self.matches(record)])
            if os.stat(self.state + "/journal").st_ino != os.fstat(self.file.fileno()).st_ino:
                self.file, self.rest = open(self.state + "/journal", "rb"), b""
                continue
            if poll.poll(15):
                return 1

    def write(self, records):
        output = {"export": self.export, "json": self.json, "cat": self.cat}.get(self.options["output"], self.short)
        for at in range(0, len(records), 500):
            data = b"".join(map(output, records[at : at + 500]))
            while data:
                data = data[os.write(1, data) :]

    def fields(self, record):
        unit, _, _, _, _, _, priority, identifier, manager, text = record
        about = {"UNIT": unit, "_SYSTEMD_UNIT": "init.scope"} if manager else {"_SYSTEMD_UNIT": unit}
        found = {"PRIORITY": str(priority), "SYSLOG_IDENTIFIER": identifier, "_PID": "1" if manager else "4242"}
        found.update(about, _TRANSPORT="journal" if manager else "stdout", _HOSTNAME="node", MESSAGE=text)
        wanted = self.options["fields"]
        return {key: value for key, value in found.items() if wanted is None or key in wanted}

    def export(self, record):
        cursor, realtime, monotonic, boot = record[2:6]
        head = (
            f"__CURSOR={cursor}\n__REALTIME_TIMESTAMP={realtime}\n__MONOTONIC_TIMESTAMP={monotonic}\n_BOOT_ID={boot}\n"
        )
        parts = [head.encode()]
        for key, text in self.fields(record).items():
            value = text.encode("latin-1")
            if printable(value):
                parts.append(key.encode() + b"=" + value + b"\n")
            else:
                parts.append(key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
        return b"".join(parts) + b"\n"

    def json(self, record):
        shown = {"__CURSOR": record[2], "__REALTIME_TIMESTAMP": str(record[3])}
        shown.update({"__MONOTONIC_TIMESTAMP": str(record[4]), "_BOOT_ID": record[5]})
        for key, text in self.fields(record).items():
            value = text.encode("latin-1")
            shown[key] = value.decode() if printable(value) else list(value)
        return json.dumps(shown).encode() + b"\n"

    def cat(self, record):
        return record[9].encode("latin-1") + b"\n"

    def short(self, record):
        when = time.strftime("%b %d %H:%M:%S", time.localtime(record[3] / 1e6))
        return f"{when} node {record[7]}[4242]: ".encode() + self.cat(record)


def printable(value):
    """Whether the export format writes a value as text: valid UTF-8 without control characters but tab."""
    if value.isascii() and value.decode("ascii").isprintable():
        return True
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return not any(character < " " and character != "\t" for character in text)
