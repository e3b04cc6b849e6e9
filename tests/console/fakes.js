/** A clock that is moved by hand, and a server that says what it is told to. */

export class FakeClock {
  constructor() {
    this.time = 1_000_000;
    /** @type {{ at: number, act: () => void }[]} */
    this.timers = [];
    this.now = () => this.time;
    this.after = (/** @type {number} */ ms, /** @type {() => void} */ act) => {
      const timer = { at: this.time + ms, act };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((each) => each !== timer);
      };
    };
  }

  /** @param {number} ms */
  pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = Math.max(this.time, next.at);
      next.act();
    }
    this.time = end;
  }

  /** The machine sleeps: time goes on and nothing runs until it wakes. @param {number} ms */
  sleep(ms) {
    this.time += ms;
    this.pass(0);
  }
}

export class FakeServer {
  constructor() {
    /** @type {FakeTransport[]} */
    this.sockets = [];
    this.open = () => {
      const socket = new FakeTransport();
      this.sockets.push(socket);
      return socket;
    };
  }

  get last() {
    return /** @type {FakeTransport} */ (this.sockets.at(-1));
  }
}

export class FakeTransport {
  constructor() {
    /** @type {string[]} */
    this.sent = [];
    this.closed = false;
    /** @type {((event: { data: unknown }) => void) | null} */
    this.onmessage = null;
    /** @type {((event: unknown) => void) | null} */
    this.onclose = null;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(text);
  }

  close() {
    this.closed = true;
  }

  /** @param {string} text */
  say(text) {
    this.onmessage?.({ data: text });
  }

  /** The handshake, up to `authenticated`. */
  welcome() {
    this.say('0{"sid":"x","upgrades":[],"pingInterval":10000,"pingTimeout":30000}');
    this.say('40{"sid":"y"}');
    this.event("authenticated");
    this.event("connection_state", { state: "connected" });
  }

  /** @param {string} name @param {...unknown} args */
  event(name, ...args) {
    this.say(`42${JSON.stringify([name, ...args])}`);
  }

  /** The events the page sent: name, payload and the number of the ack it wants. */
  events() {
    return this.sent
      .filter((text) => text.startsWith("42"))
      .map((text) => {
        const [, id, json] = /** @type {RegExpExecArray} */ (/^42(\d*)(.*)$/s.exec(text));
        const [name, payload] = JSON.parse(json);
        return { name, payload, id };
      });
  }

  /** @param {string} name */
  asked(name) {
    return this.events().filter((each) => each.name === name);
  }

  /** @param {string} id @param {unknown} answer */
  ack(id, answer) {
    this.say(`43${id}${JSON.stringify([answer])}`);
  }
}

/** Let promises settle. */
export const settled = () => new Promise((done) => setImmediate(done));
