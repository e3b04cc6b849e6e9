// Sockets that count entries: node drain.mjs URL TOKEN SERVICE SOCKETS. Every half second it prints the counts as JSON,
// until its stdin ends. A socket that comes back goes on after the last entry it has, as a page does.
import { createRequire } from "node:module";
const { io } = createRequire(new URL("../tests/js/package.json", import.meta.url))("socket.io-client");

const [url, token, service, sockets] = process.argv.slice(2);
const counts = Array(Number(sockets)).fill(0);
let live = 0;
let returned = 0;
for (let number = 0; number < counts.length; number++) {
  const socket = io(url, { forceNew: true, path: "/", addTrailingSlash: false, transports: ["websocket"], auth: { token } });
  let after;
  const take = (entries) => {
    counts[number] += entries.length;
    after = entries.at(-1).cursor;
  };
  socket.on("authenticated", () => {
    returned += after !== undefined;
    socket.emit("subscribe_logs", { service, batch: true, ...(after === undefined ? { lines: 0 } : { after }) });
  });
  socket.on("log_state", ({ state }) => (live += state === "live"));
  socket.on("log_data", (entry) => take([entry]));
  socket.on("log_batch", ({ entries }) => take(entries));
  socket.on("error", (error) => process.stderr.write(JSON.stringify(error) + "\n"));
}
setInterval(() => process.stdout.write(JSON.stringify({ live, returned, counts }) + "\n"), 500);
process.stdin.resume().on("end", () => process.exit(0));
