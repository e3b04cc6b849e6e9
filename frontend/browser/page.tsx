/**
 * The page that the tests in Chromium look at: as many hooks as they want, and what each returned last.
 */
import { StrictMode, useEffect, useState, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { configureRealtime, useClientLogs, useNodeStatus, useWebSocket, type ClientLogs, type NodeStatus, type WebSocketHook } from "../src/index.js";

export interface Parts {
  sockets?: number;
  statuses?: number;
  /** Service and lines of each log. */
  logs?: [string, number?][];
}

interface Seen {
  socket?: WebSocketHook;
  status?: NodeStatus;
  logs: Record<string, ClientLogs>;
  renders: number;
  /** Milliseconds between frames, those over 50. */
  frames: number[];
  /** Every combination of states the status hook has shown, in order. */
  shown: string[];
}

const seen: Seen = { logs: {}, renders: 0, frames: [], shown: [] };

const Header = (): ReactNode => {
  const socket = (seen.socket = useWebSocket());
  return <header>{socket.isAuthenticated ? "Connected" : socket.lastError}</header>;
};

const Status = (): ReactNode => {
  const status = (seen.status = useNodeStatus(1000));
  const text = Object.entries(status.statuses).map(([service, state]) => `${service}: ${state}`).join(", ");
  if (seen.shown.at(-1) !== text) seen.shown.push(text);
  return <p>{status.isLoading ? "Fetching status..." : text}</p>;
};

const Log = ({ service, lines }: { service: string; lines: number | undefined }): ReactNode => {
  const log = (seen.logs[service] = useClientLogs(service, lines));
  useEffect(() => void (seen.renders += 1));
  return (
    <pre style={{ height: 400, overflow: "auto" }}>
      {log.isLoading && "Loading logs..."}
      {log.logs.map((entry) => (
        <div key={entry.id}>{entry.raw}</div>
      ))}
    </pre>
  );
};

const times = (count: number | undefined, Part: () => ReactNode): ReactNode[] =>
  Array.from({ length: count ?? 0 }, (_, at) => <Part key={at} />);

let change: (parts: Parts) => void = () => {};

function App({ first }: { first: Parts }): ReactNode {
  const [parts, setParts] = useState(first);
  change = setParts;
  return (
    <>
      {times(parts.sockets, Header)}
      {times(parts.statuses, Status)}
      {parts.logs?.map(([service, lines], at) => <Log key={`${service} ${at}`} service={service} lines={lines} />)}
    </>
  );
}

let root: Root | undefined;

const app = {
  seen,
  start(url: string, parts: Parts, strict: boolean): void {
    configureRealtime({ url });
    root = createRoot(document.body.appendChild(document.createElement("main")));
    root.render(strict ? <StrictMode><App first={parts} /></StrictMode> : <App first={parts} />);
  },
  show: (parts: Parts): void => change(parts),
  raws: (service: string): string[] => (seen.logs[service]?.logs ?? []).map(({ raw }) => raw),
  gaps: (service: string): number => (seen.logs[service]?.logs ?? []).filter(({ gap }) => gap).length,
  end: (): void => root?.unmount(),
  watchFrames(): void {
    let last = performance.now();
    const look = (now: number): void => {
      if (now - last > 50) seen.frames.push(Math.round(now - last));
      last = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  },
};

(globalThis as { app?: typeof app }).app = app;
