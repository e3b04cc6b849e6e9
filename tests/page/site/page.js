// What the production dashboard does with its sockets, as far as it matters to the server: five sockets of one token, each
// with a state of its own, that reconnect on a false ack, show a connect_error and try five times, and merge states.
const asked = new URLSearchParams(location.search);
const [server, token, service] = ["server", "token", "service"].map((name) => asked.get(name));
const ATTEMPTS = 5;
const WORDS = { active: "Active", running: "Active", inactive: "Inactive", failed: "Failed", activating: "Starting", reloading: "Reloading" };
const page = { statuses: {}, lines: [], loading: true, logError: "" };

function hook(name) {
  const state = { name, connected: false, error: "", attempts: 0, over: false };
  const socket = io(server, { forceNew: true, path: "/", addTrailingSlash: false, transports: ["websocket"], auth: { token }, reconnection: false });
  const again = () => {
    if (state.attempts >= ATTEMPTS) return (state.over = true), show();
    setTimeout(() => socket.connect(), Math.min(1000 * 2 ** state.attempts++, 5000));
  };
  const authenticate = () =>
    socket.emit("authenticate", token, (good) => {
      if (good) state.error = "";
      else {
        state.error = "Server rejected token.";
        socket.disconnect().connect();
      }
      show();
    });
  socket.on("connect", () => ((state.connected = true), authenticate(), show()));
  socket.on("authenticated", () => ((state.error = ""), (state.attempts = 0), show()));
  socket.on("connect_error", (problem) => ((state.connected = false), (state.error = problem.message), again(), show()));
  socket.on("disconnect", (reason) => {
    state.connected = false;
    if (reason !== "io client disconnect") again();
    show();
  });
  socket.on("error", ({ message }) => {
    if (/auth/i.test(message)) authenticate();
    state.error = message;
    show();
  });
  return { state, socket };
}

const hooks = ["header", "status", "log", "alerts", "info"].map(hook);
const [header, status, log] = hooks;
status.socket.on("authenticated", () => status.socket.emit("subscribe_status", { interval: 5000 }));
status.socket.on("status_update", (update) => {
  for (const each of update) page.statuses[each.service] = WORDS[each.status] ?? "Unknown"; // merged, never removed
  show();
});
let subscribed = false;
log.socket.on("authenticated", () => {
  if (!subscribed) log.socket.emit("subscribe_logs", { service });
  subscribed = true;
});
log.socket.on("disconnect", () => (subscribed = false));
log.socket.on("log_data", ({ line }) => ((page.loading = false), page.lines.push(line), show()));
log.socket.on("error", ({ message }) => {
  if (message.includes(service)) [page.logError, page.loading] = [message, false];
  show();
});

const logText = () => {
  if (page.logError) return page.logError;
  if (page.loading) return "Loading logs...";
  return page.lines.filter(Boolean).slice(-5).join("\n") || "No logs available for this service.";
};

/** What a person sees. */
window.seen = () => ({
  header: header.state.connected ? "Connected" : header.state.over ? "Disconnected" : "Connecting...",
  alert: hooks.find((each) => each !== status && each.state.error)?.state.error ?? "", // errors of the states are never shown
  cards: Object.keys(page.statuses).length ? page.statuses : "Fetching status...",
  log: logText(),
  lines: page.lines.filter(Boolean).length,
  sockets: made,
  resting: hooks.every((each) => each.state.over || each.state.connected),
});

function show() {
  const { header, alert, cards, log } = seen();
  const at = (id) => document.getElementById(id);
  at("header").textContent = header;
  at("alert").textContent = alert;
  at("log").textContent = log;
  if (typeof cards === "string") return (at("cards").textContent = cards);
  at("cards").replaceChildren(
    ...Object.entries(cards).map(([name, word]) => {
      const card = document.createElement("div");
      card.className = `card ${word === "Active" ? "good" : word === "Failed" ? "bad" : ""}`;
      card.innerHTML = `${name} <b>${word}</b>`;
      return card;
    }),
  );
}
show();
