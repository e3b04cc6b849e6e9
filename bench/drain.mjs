// Sockets that count entries: node drain.mjs URL TOKEN SERVICE SOCKETS. Every second, and when asked by a line on stdin,
// it prints the counts as JSON. A line `freeze` stops it reading its connections, `go` lets it read again.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
const { io } = createRequire(new URL("../tests/js/package.json", import.meta.url))("socket.io-client");

const [url, token, service, sockets] = process.argv.slice(2);
const counts = Array(Number(sockets)).fill(0);
const opened = [];
let live = 0;
for (let number = 0; number < counts.length; number++) {
  const socket = io(url, { forceNew: true, path: "/", addTrailingSlash: false, transports: ["websocket"], auth: { token } });
  socket.on("authenticated", () => socket.emit("subscribe_logs", { service, lines: 0, batch: true }));
  socket.on("log_state", ({ state }) => (live += state === "live"));
  socket.on("log_data", () => counts[number]++);
  socket.on("log_batch", ({ entries }) => (counts[number] += entries.length));
  socket.on("error", (error) => process.stderr.write(JSON.stringify(error) + "\n"));
  opened.push(socket);
}
const tell = () => process.stdout.write(JSON.stringify({ live, counts }) + "\n");
setInterval(tell, 500);
createInterface({ input: process.stdin }).on("line", (line) => {
  for (const socket of opened) {
    const raw = socket.io.engine.transport.ws._socket;
    if (line === "freeze") raw.pause();
    else raw.resume();
  }
}).on("close", () => process.exit(0));
