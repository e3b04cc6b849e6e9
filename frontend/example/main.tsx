/**
 * The dashboard's four parts on the three hooks, to try against `make demo`.
 *
 * Give it the address and the token that the demo prints: in the form, or as `#server=...&token=...`.
 */
import { StrictMode, useEffect, useRef, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { RealtimeProvider, useClientLogs, useNodeStatus, useWebSocket, type LogEntry } from "../src/index.js";

function Header(): ReactNode {
  const { isConnected, isAuthenticated, lastError, node, reconnect } = useWebSocket();
  const away = node && node.state !== "connected";
  const [kind, text] = !isConnected
    ? ["bad", lastError ? "Connection Error" : "Disconnected"]
    : !isAuthenticated
      ? ["busy", "Connecting..."]
      : away
        ? ["busy", "Node away"]
        : ["good", "Connected"];
  return (
    <header>
      <h1>ethpillar</h1>
      <span className={`badge ${kind}`}>{text}</span>
      <button className="right" onClick={reconnect}>Reconnect</button>
    </header>
  );
}

function ErrorAlert(): ReactNode {
  const { lastError, problem, retryAt, reconnect } = useWebSocket();
  const [now, setNow] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  if (!lastError) return null;
  const wait = retryAt && now ? Math.max(0, Math.ceil((retryAt - now) / 1000)) : null;
  return (
    <div role="alert">
      <strong>{lastError}</strong> {problem?.hint} {wait !== null && `Next try in ${wait} s.`}{" "}
      <button onClick={reconnect}>Reconnect</button>
    </div>
  );
}

const COLOURS: Record<string, string> = { active: "good", failed: "bad", inactive: "none", unknown: "none", not_installed: "none" };

function NodeStatusCard(): ReactNode {
  const { statuses, details, isLoading, isStale, updatedAt } = useNodeStatus();
  const services = Object.entries(statuses);
  return (
    <section>
      <h2>
        Node Status
        <span className={`badge right ${isStale ? "busy" : "good"}`}>
          {isStale ? `Last known${updatedAt ? ` ${new Date(updatedAt).toLocaleTimeString()}` : ""}` : "Live Updates"}
        </span>
      </h2>
      <ul className={isStale ? "stale" : ""}>
        {isLoading && <li>Fetching status...</li>}
        {!isLoading && services.length === 0 && <li>No status data available</li>}
        {services.map(([service, status]) => (
          <li key={service} title={details[service]?.description ?? ""}>
            <span>{service.replace(/_/g, " ")}</span>
            <span className={COLOURS[status] ?? "busy"}>{status}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ entry }: { entry: LogEntry }): ReactNode {
  const fields = Object.entries(entry.metadata ?? {}).map(([key, value]) => `${key}=${value}`);
  return (
    <div className={entry.level ?? ""} title={entry.raw}>
      <time>{entry.timestamp ? new Date(entry.timestamp).toLocaleTimeString() : ""}</time>
      {entry.message}
      {fields.length > 0 && <span className="fields">{fields.join(" ")}</span>}
    </div>
  );
}

function LogViewer(): ReactNode {
  const { statuses } = useNodeStatus();
  const [service, setService] = useState<string | null>("execution");
  const log = useClientLogs(service, 500);
  const [older, setOlder] = useState<LogEntry[]>([]);
  const [notice, setNotice] = useState("");
  const end = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (!log.isPaused) end.current?.scrollTo(0, end.current.scrollHeight);
  }, [log.logs, log.isPaused]);
  const choose = (name: string): void => {
    setService(name || null);
    setOlder([]);
    setNotice("");
  };
  const readOlder = (): void => {
    log.pause();
    log.readBefore().then(
      (page) => {
        setOlder((before) => [...page.entries, ...before]);
        setNotice(page.more ? "" : "That is all there is.");
      },
      (problem: Error) => setNotice(problem.message),
    );
  };
  return (
    <section>
      <h2>
        Service Logs
        <select value={service ?? ""} onChange={(event) => choose(event.target.value)}>
          <option value="">Select a service</option>
          {[...new Set(["execution", ...Object.keys(statuses)])].map((name) => <option key={name}>{name}</option>)}
        </select>
        <span className={`badge ${log.isLive ? "good" : "none"}`}>{log.isLoading ? "Loading..." : log.isLive ? "Live" : log.state}</span>
        <button className="right" onClick={readOlder} disabled={!service}>Older</button>
        <button onClick={log.isPaused ? log.resume : log.pause}>{log.isPaused ? `Go on (${log.missed} new)` : "Pause"}</button>
        <button onClick={log.clearLogs}>Clear</button>
      </h2>
      <pre ref={end}>
        {notice && <div className="none">{notice}</div>}
        {[...older, ...log.logs].map((entry) => <Line key={entry.id} entry={entry} />)}
        {log.error && <div className="error">{log.error} {log.problem?.hint}</div>}
        {!log.isLoading && !log.error && log.logs.length === 0 && (service ? "No logs available for this service." : "Select a service to view logs.")}
      </pre>
    </section>
  );
}

interface Place {
  server: string;
  token: string;
}

function placeInHash(): Place | null {
  const given = new URLSearchParams(location.hash.slice(1));
  const server = given.get("server");
  const token = given.get("token");
  return server && token ? { server, token } : null;
}

function Form({ go }: { go: (place: Place) => void }): ReactNode {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        go({ server: String(given.get("server")), token: String(given.get("token")) });
      }}
    >
      <p>Run <code>make demo</code>; it prints both.</p>
      <label>Server<input name="server" required placeholder="http://127.0.0.1:3001" /></label>
      <label>Token<input name="token" required /></label>
      <button>Look</button>
    </form>
  );
}

function App(): ReactNode {
  const [place, go] = useState(placeInHash);
  if (!place) return <Form go={go} />;
  return (
    <RealtimeProvider url={place.server} token={place.token}>
      <Header />
      <main>
        <ErrorAlert />
        <NodeStatusCard />
        <LogViewer />
      </main>
    </RealtimeProvider>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
