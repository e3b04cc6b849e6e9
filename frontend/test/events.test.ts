/** `docs/events.json` is taken from a running server by a test there: the types here, and the store, are held to it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRealtime } from "../src/core.js";
import type { LogLine, ServiceStatus } from "../src/protocol.js";
import { FakeServer } from "./fake.js";

const frontend = dirname(dirname(fileURLToPath(import.meta.url)));
const examples = JSON.parse(readFileSync(join(frontend, "../docs/events.json"), "utf8")) as {
  server: Record<string, any[]>;
  client: Record<string, { arguments: any[]; ack: unknown }[]>;
};

/** What the compiler says against a module of this text in `test/`. */
function complaints(text: string): string[] {
  const path = join(frontend, "test/examples.ts");
  const { config } = ts.readConfigFile(join(frontend, "tsconfig.json"), ts.sys.readFile) as { config: { compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, frontend);
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (name) => (name === path ? text : readFile(name));
  host.fileExists = (name) => name === path || fileExists(name);
  host.getSourceFile = (name, target) =>
    name === path ? ts.createSourceFile(name, text, target, true) : getSourceFile(name, target);
  const program = ts.createProgram([path], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

// Literals are checked for keys that a type does not have, so a new key of the server's is found as well as a lost one.
const HEAD = `import type { ClientToServerEvents, ServerToClientEvents } from "../src/protocol.js";
type Payload<E extends keyof ServerToClientEvents> = Parameters<ServerToClientEvents[E]> extends [infer P] ? P : null;
type Arguments<E extends keyof ClientToServerEvents> =
  Required<Parameters<ClientToServerEvents[E]>> extends [...infer A, (...answer: any) => void] ? A : never;
type Answer<E extends keyof ClientToServerEvents> =
  Required<Parameters<ClientToServerEvents[E]>> extends [...any, (answer: infer A) => void] ? A : never;
`;

function moduleOf({ server, client }: typeof examples): string {
  const received = Object.entries(server).flatMap(([event, payloads]) =>
    payloads.map((each) => `(${JSON.stringify(each)}) satisfies Payload<${JSON.stringify(event)}>;`),
  );
  const sent = Object.entries(client).flatMap(([event, calls]) =>
    calls
      .filter(({ ack }) => (ack as { ok?: boolean } | null)?.ok !== false) // those are wrong on purpose
      .flatMap(({ arguments: given, ack }) => [
        `(${JSON.stringify(given)}) satisfies Arguments<${JSON.stringify(event)}>;`,
        `(${JSON.stringify(ack)}) satisfies Answer<${JSON.stringify(event)}>;`,
      ]),
  );
  return HEAD + [...received, ...sent].join("\n");
}

describe("the examples of a running server", () => {
  it("fit the types, and all types have one", () => {
    expect(complaints(moduleOf(examples))).toEqual([]);
    const ours = /interface \w+Events \{\n([^]*?)\n\}/g;
    const protocol = readFileSync(join(frontend, "src/protocol.ts"), "utf8");
    const [fromServer, fromClient] = [...protocol.matchAll(ours)].map(([, body = ""]) => [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name));
    expect(new Set(Object.keys(examples.server))).toEqual(new Set(fromServer));
    expect(new Set(Object.keys(examples.client))).toEqual(new Set(fromClient));
  }, 60_000);

  it("would not fit, were a key lost, new or of another type", () => {
    const [line] = examples.server.log_data as [LogLine];
    for (const odd of [{ ...line, colour: "red" }, { ...line, line: 7 }, { service: "execution" }]) {
      expect(complaints(moduleOf({ server: { log_data: [odd] }, client: {} }))).not.toEqual([]);
    }
  }, 60_000);
});

describe("the store, given the examples", () => {
  afterEach(() => void vi.useRealTimers());

  it("shows every line and every state", async () => {
    vi.useFakeTimers();
    const server = new FakeServer();
    const store = createRealtime("http://server", { token: "t", io: server.io });
    const view = store.logs("execution", 1000);
    const states = store.status();
    const stops = [view.subscribe(() => {}), states.subscribe(() => {})];
    await vi.advanceTimersByTimeAsync(500);
    const lines = examples.server.log_data as LogLine[];
    for (const payload of lines) server.socket.receive("log_data", payload);
    const update = (examples.server.status_update as ServiceStatus[][])[0] as ServiceStatus[];
    server.socket.receive("status_update", update);
    await vi.advanceTimersByTimeAsync(500);
    const { logs } = view.get();
    const shown = lines.filter(({ service }) => service === "execution");
    expect(logs.map(({ raw }) => raw)).toEqual(shown.map(({ line }) => line));
    expect(logs.some(({ eth }) => eth?.block)).toBe(true);
    expect(logs.some(({ continuation }) => continuation)).toBe(true);
    expect(logs.every(({ timestamp }) => !Number.isNaN(Date.parse(timestamp ?? "")))).toBe(true);
    expect(logs[0]).toMatchObject({ level: "info", message: lines[0]?.message, metadata: lines[0]?.fields, cursor: lines[0]?.cursor });
    expect(Object.keys(states.get().details)).toEqual(update.map(({ service }) => service));
    stops.forEach((stop) => stop());
    store.close();
  });
});
