// The simplest server of this kind, to compare with: Node.js, socket.io, ssh2, ioredis. Each socket and service has a
// `journalctl -f -o cat` of its own, and each line is one event, which is not parsed.
//
//   node server.mjs PORT REDIS_URL
import Redis from "ioredis";
import { Server } from "socket.io";
import { Client } from "ssh2";

const [port, redisUrl] = process.argv.slice(2);
const redis = new Redis(redisUrl);
const io = new Server(Number(port), { path: "/", addTrailingSlash: false, pingInterval: 10_000, pingTimeout: 30_000 });
const connections = new Map(); // by token: one SSH connection for all sockets of a session

function connect(token) {
  if (!connections.has(token)) {
    connections.set(
      token,
      redis.get(`ssh_session:${token}`).then(
        (value) =>
          new Promise((resolve, reject) => {
            const { host, port, username, password } = JSON.parse(value);
            const client = new Client();
            client.on("ready", () => resolve(client)).on("error", reject);
            client.connect({ host, port: Number(port), username, password });
          }),
      ),
    );
  }
  return connections.get(token);
}

function follow(socket, client, service) {
  client.exec(`journalctl -u ${service}.service -n 50 -f -o cat`, (problem, stream) => {
    if (problem) {
      socket.emit("error", { message: problem.message });
      return;
    }
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        socket.emit("log_data", { service, line });
      }
    });
    socket.on("disconnect", () => stream.close());
  });
}

function poll(socket, client) {
  const words = "systemctl show execution.service consensus.service validator.service --property=Id,ActiveState,SubState";
  client.exec(words, (problem, stream) => {
    if (problem) {
      return;
    }
    let text = "";
    stream.on("data", (data) => (text += data));
    stream.on("close", () => {
      const statuses = text.split("\n\n").map((block) => {
        const values = Object.fromEntries(block.trim().split("\n").map((line) => line.split("=")));
        return { service: values.Id?.replace(".service", ""), status: values.ActiveState };
      });
      socket.emit("status_update", statuses);
    });
  });
}

io.on("connection", async (socket) => {
  const client = await connect(socket.handshake.auth.token);
  socket.emit("authenticated");
  socket.on("subscribe_logs", ({ service }) => follow(socket, client, service));
  socket.on("subscribe_status", ({ interval }) => {
    poll(socket, client);
    const timer = setInterval(() => poll(socket, client), interval ?? 5000);
    socket.on("disconnect", () => clearInterval(timer));
  });
});
