// Chromium, told what to do by lines of JSON on stdin; each is answered by one on stdout.
//   node driver.mjs PORT CHROMIUM development|production
// PORT serves the page, so that its origin is one the server allows.
import { build } from "esbuild";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const [port, executablePath, mode] = process.argv.slice(2);
const origin = `http://localhost:${port}`;
const here = dirname(fileURLToPath(import.meta.url));

const { outputFiles } = await build({
  entryPoints: [join(here, "page.tsx")],
  bundle: true,
  format: "esm",
  jsx: "automatic",
  write: false,
  define: { "process.env.NODE_ENV": JSON.stringify(mode) },
  minify: mode === "production",
});
const script = outputFiles[0].text;
const html = '<!doctype html><link rel="icon" href="data:,"><title>hooks</title><body><script type="module" src="/page.js"></script>';
const web = createServer((request, response) => {
  const js = request.url === "/page.js";
  response.setHeader("Content-Type", js ? "text/javascript" : "text/html");
  response.end(js ? script : html);
}).listen(Number(port), "localhost");

const profile = mkdtempSync(join(tmpdir(), "ethpillar-chromium-"));
const browser = await puppeteer.launch({
  executablePath,
  userDataDir: profile,
  pipe: true,
  args: [
    ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ...["--no-first-run", "--js-flags=--expose-gc", "--disable-dev-shm-usage"],
  ],
});
const tabs = new Map();

// What a page has behind a proxy that lets no WebSocket through.
const BLOCKED = `globalThis.WebSocket = class {
  constructor() { setTimeout(() => this.onerror?.(new Event("error"))); }
  close() {}
}`;

async function open({ tab, server, token, parts, strict, polling }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const found = { context, page, sockets: 0, open: new Set(), said: [] };
  tabs.set(tab, found);
  page.on("console", (message) => {
    // A failed connection is the browser's own complaint, and no warning of the page.
    const own = !/^(WebSocket connection|Failed to load|Access to XMLHttpRequest)/.test(message.text());
    if (["error", "warn"].includes(message.type()) && own) found.said.push(message.text());
  });
  page.on("pageerror", (error) => found.said.push(String(error)));
  const cdp = (found.cdp = await page.createCDPSession());
  await cdp.send("Network.enable");
  await cdp.send("Performance.enable");
  cdp.on("Network.webSocketCreated", ({ requestId }) => void (found.sockets += 1, found.open.add(requestId)));
  cdp.on("Network.webSocketClosed", ({ requestId }) => found.open.delete(requestId));
  if (token) await page.setCookie({ name: "ssh_session_ws", value: token, url: origin });
  if (polling) await page.evaluateOnNewDocument(BLOCKED);
  await page.goto(origin);
  await page.waitForFunction("globalThis.app");
  await page.evaluate((...args) => globalThis.app.start(...args), server, parts, strict);
}

const does = {
  open,
  eval: ({ tab, code }) => tabs.get(tab).page.evaluate(code),
  token: ({ tab, token }) => tabs.get(tab).page.setCookie({ name: "ssh_session_ws", value: token, url: origin }),
  /** WebSockets so far, and open ones. */
  sockets: ({ tab }) => ({ made: tabs.get(tab).sockets, open: tabs.get(tab).open.size }),
  said: ({ tab }) => tabs.get(tab).said,
  async weight({ tab }) {
    const { page, cdp } = tabs.get(tab);
    await page.evaluate("gc()");
    await page.evaluate("gc()");
    const { metrics } = await cdp.send("Performance.getMetrics");
    const value = (name) => metrics.find((each) => each.name === name).value;
    return { heap: value("JSHeapUsedSize"), listeners: value("JSEventListeners"), nodes: value("Nodes") };
  },
  /** Seconds that the page has worked so far: in all, in scripts, in laying out. */
  async work({ tab }) {
    const { metrics } = await tabs.get(tab).cdp.send("Performance.getMetrics");
    const value = (name) => metrics.find((each) => each.name === name).value;
    return { all: value("TaskDuration"), scripts: value("ScriptDuration"), layout: value("LayoutDuration") + value("RecalcStyleDuration") };
  },
  async close({ tab }) {
    const { context } = tabs.get(tab);
    tabs.delete(tab);
    await context.close();
  },
};

const tell = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const end = async () => {
  await browser.close();
  web.close();
  rmSync(profile, { recursive: true, force: true });
  process.exit(0);
};
process.on("SIGTERM", end);
createInterface({ input: process.stdin })
  .on("line", async (text) => {
    const { id, op, ...rest } = JSON.parse(text);
    try {
      tell({ id, value: (await does[op](rest)) ?? null });
    } catch (problem) {
      tell({ id, problem: String(problem) });
    }
  })
  .on("close", end);
tell({ ready: true });
