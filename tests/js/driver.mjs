// The official socket.io-client, driven by lines of JSON on stdin; what happens comes as lines of JSON on stdout.
// {op: "open", id, url, options}   {op: "emit", id, event, args, ack: n}   {op: "close", id}
// {op: "pause"} blocks this process's event loop, as a frozen tab would, for `seconds`.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const sockets = new Map();
const tell = (message) => process.stdout.write(JSON.stringify(message) + "\n");

function open({ id, url, options }) {
  const socket = io(url, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 300, ...options });
  sockets.set(id, socket);
  socket.io.on("open", () => {
    socket.io.engine.on("upgrade", (transport) => tell({ id, event: "upgrade", args: [transport.name] }));
  });
  socket.on("connect", () => tell({ id, event: "connect", args: [socket.io.engine.transport.name] }));
  socket.on("connect_error", (error) => tell({ id, event: "connect_error", args: [{ message: error.message, data: error.data }] }));
  socket.on("disconnect", (reason) => tell({ id, event: "disconnect", args: [reason] }));
  socket.onAny((event, ...args) => tell({ id, event, args }));
}

createInterface({ input: process.stdin }).on("line", (text) => {
  const command = JSON.parse(text);
  const socket = sockets.get(command.id);
  if (command.op === "open") open(command);
  else if (command.op === "emit") {
    const args = command.args.map((arg) => (arg && arg.$repeat ? arg.$repeat.repeat(arg.times) : arg));
    if (command.ack !== undefined) args.push((...answer) => tell({ id: command.id, ack: command.ack, args: answer }));
    socket.emit(command.event, ...args);
  } else if (command.op === "close") {
    socket?.disconnect();
    sockets.delete(command.id);
  }
  else if (command.op === "kill") socket.io.engine.close();
  else if (command.op === "pause") {
    const until = Date.now() + command.seconds * 1000;
    while (Date.now() < until);
  }
}).on("close", () => {
  for (const socket of sockets.values()) socket.disconnect();
  setTimeout(() => process.exit(0), 5000).unref(); // what is under way is sent first
});
tell({ event: "ready" });
