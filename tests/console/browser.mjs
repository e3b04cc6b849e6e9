// Chromium, driven by lines of JSON on stdin; answers come as lines of JSON on stdout, in order.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const [, , executable, profile] = process.argv;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: executable,
  headless: true,
  userDataDir: profile,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"],
});
await browser.defaultBrowserContext().overridePermissions("http://127.0.0.1", ["clipboard-read", "clipboard-write"]).catch(() => {});
/** @type {Map<number, { page: import("puppeteer-core").Page, problems: string[] }>} */
const pages = new Map();
/** @type {Map<number, import("puppeteer-core").CDPSession>} */
const profiles = new Map();
/** @type {Map<number, { session: import("puppeteer-core").CDPSession, events: any[] }>} */
const traces = new Map();
let last = 0;

/** Milliseconds of the processor by name, for each of so many tasks. @param {any[]} events @param {number} [tasks] */
function byName(events, tasks = 1) {
  /** @type {Record<string, number>} */
  const spent = {};
  for (const { name, tdur } of events) spent[name] = (spent[name] ?? 0) + (tdur ?? 0) / 1000 / tasks;
  return spent;
}

/**
 * How long events took from when they came until what came of them was presented, as the browser reckons it, by kind.
 *
 * @param {any[]} events of a trace, in no order
 */
function latencies(events) {
  /** @type {Record<string, number[]>} */
  const found = {};
  /** @type {Map<string, any>} */
  const begun = new Map();
  for (const each of events.filter(({ name }) => name === "EventLatency").sort((a, b) => a.ts - b.ts)) {
    const id = `${each.pid} ${each.id2?.local ?? each.id}`;
    const first = begun.get(id);
    if (each.ph === "b") begun.set(id, each);
    else if (each.ph === "e" && first) (found[first.args.event_latency?.event_type] ??= []).push((each.ts - first.ts) / 1000);
  }
  return found;
}

/** The thread that most of these events are of. @param {any[]} events */
function busiest(events) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { pid, tid } of events) counts.set(`${pid} ${tid}`, (counts.get(`${pid} ${tid}`) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** @param {number} id */
function of(id) {
  const found = pages.get(id);
  if (!found) throw new Error("no such page");
  return found.page;
}

/** Colours that the reader has chosen for everything. @param {import("puppeteer-core").Page} page @param {string} theme */
async function force(page, theme) {
  const session = await page.createCDPSession();
  await session.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }, { name: "prefers-color-scheme", value: theme }] });
}

/** @type {Record<string, (command: any) => Promise<unknown>>} */
const operations = {
  async open({ url, width = 1440, height = 900, theme = "dark", motion = "no-preference", forced, script }) {
    const page = await browser.newPage();
    /** @type {string[]} */
    const problems = [];
    page.on("pageerror", (problem) => problems.push(String(/** @type {Error} */ (problem).stack ?? problem)));
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: theme },
      { name: "prefers-reduced-motion", value: motion },
    ]);
    if (forced) await force(page, theme);
    const small = width < 700;
    await page.setViewport({ width, height, deviceScaleFactor: small ? 2 : 1, isMobile: small, hasTouch: small });
    if (script) await page.evaluateOnNewDocument(script);
    await page.goto(url, { waitUntil: "load" });
    pages.set(++last, { page, problems });
    return last;
  },
  goto: ({ id, url }) => of(id).goto(url, { waitUntil: "load" }).then(() => null),
  reload: ({ id }) => of(id).reload({ waitUntil: "load" }).then(() => null),
  eval: ({ id, script }) => of(id).evaluate(script),
  // What throws because something is not in the page yet is not true yet: puppeteer would wait for it no more.
  wait: ({ id, script, timeout }) => {
    const tried = `(() => { try { return ${script}; } catch { return false; } })()`;
    return of(id).waitForFunction(tried, { timeout, polling: 50 }).then((found) => found.jsonValue());
  },
  press: ({ id, key }) => of(id).keyboard.press(key).then(() => null),
  type: ({ id, text }) => of(id).keyboard.type(text).then(() => null),
  click: ({ id, selector }) => of(id).click(selector).then(() => null),
  hover: ({ id, selector }) => of(id).hover(selector).then(() => null),
  async drag({ id, selector, from, to }) {
    const box = await (await of(id).$(selector))?.boundingBox();
    if (!box) throw new Error("nothing to drag on");
    const { mouse } = of(id);
    await mouse.move(box.x + box.width * from, box.y + box.height / 2);
    await mouse.down();
    await mouse.move(box.x + box.width * to, box.y + box.height / 2, { steps: 4 });
    await mouse.up();
    return null;
  },
  async wheel({ id, selector, by }) {
    await of(id).hover(selector);
    await of(id).mouse.wheel({ deltaY: by });
    return null;
  },
  async offline({ id, on }) {
    await of(id).setOfflineMode(on);
    return null;
  },
  /** Bytes of the heap in use, after what is not used was collected, unless it is not to be. */
  async heap({ id, collect = true }) {
    const session = await of(id).createCDPSession();
    if (collect) await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    await session.detach();
    return usedSize;
  },
  /** Watch where the page's time goes. */
  async profile({ id }) {
    const session = await of(id).createCDPSession();
    await session.send("Profiler.enable");
    await session.send("Profiler.start");
    profiles.set(id, session);
    return null;
  },
  /** What took the most time since then: seconds by function, and all seconds. */
  async profiled({ id }) {
    const session = profiles.get(id);
    if (!session) throw new Error("no profile was begun");
    profiles.delete(id);
    const { profile } = await session.send("Profiler.stop");
    await session.detach();
    const names = new Map(profile.nodes.map((node) => [node.id, `${node.callFrame.functionName || "?"} ${node.callFrame.url.split("/").pop()}:${node.callFrame.lineNumber + 1}`]));
    /** @type {Record<string, number>} */
    const seconds = {};
    profile.samples?.forEach((sample, i) => {
      const name = names.get(sample) ?? "";
      seconds[name] = (seconds[name] ?? 0) + (profile.timeDeltas?.[i] ?? 0) / 1e6;
    });
    return seconds;
  },
  /** Watch what the page's main thread does. */
  async trace({ id, categories = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"] }) {
    const session = await of(id).createCDPSession();
    /** @type {any[]} */
    const events = [];
    session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
    await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: [...categories, "input.scrolling"], excludedCategories: ["*"] } });
    traces.set(id, { session, events });
    return null;
  },
  /** What it did since then: milliseconds of each task of more than four, by the clock and of the processor; and of what the processor was taken, by name; and of each event until it was seen. */
  async traced({ id }) {
    const found = traces.get(id);
    if (!found) throw new Error("no trace was begun");
    traces.delete(id);
    const done = new Promise((settle) => found.session.once("Tracing.tracingComplete", settle));
    await found.session.send("Tracing.end");
    await done;
    await found.session.detach();
    const all = found.events.filter((each) => each.ph === "X" && each.dur !== undefined);
    const main = busiest(all.filter((each) => each.name === "FunctionCall"));
    const ours = all.filter((each) => `${each.pid} ${each.tid}` === main);
    const tasks = ours.filter((each) => each.name === "ThreadControllerImpl::RunTask" && each.tdur > 4_000);
    const longest = [...tasks].sort((a, b) => b.tdur - a.tdur).slice(0, Math.ceil(tasks.length / 20));
    const within = ours.filter(({ ts }) => longest.some((task) => ts > task.ts && ts < task.ts + task.dur));
    return { tasks: tasks.map(({ dur, tdur }) => [dur / 1000, (tdur ?? 0) / 1000]), spent: byName(ours), longest: byName(within, longest.length), latencies: latencies(found.events) };
  },
  async shot({ id, path }) {
    await of(id).screenshot({ path });
    return null;
  },
  /** A tab that sleeps is `frozen`, and then `active` again. */
  async lifecycle({ id, state }) {
    const session = await of(id).createCDPSession();
    await session.send("Page.setWebLifecycleState", { state });
    await session.detach();
    return null;
  },
  async media({ id, theme }) {
    await of(id).emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    return null;
  },
  async downloads({ id, folder }) {
    const session = await of(id).createCDPSession();
    await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
    return null;
  },
  /** Every problem that axe finds, as "impact rule: where". */
  async axe({ id }) {
    const session = await of(id).createCDPSession();
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
    await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: 'axe.run(document, { resultTypes: ["violations"] }).then((found) => JSON.stringify(found.violations.map((each) => `${each.impact} ${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`)))',
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? "axe failed");
    return JSON.parse(result.value);
  },
  problems: async ({ id }) => pages.get(id)?.problems.splice(0) ?? [],
  async close({ id }) {
    await of(id).close();
    pages.delete(id);
    return null;
  },
};

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await operations[command.op](command)) ?? null };
  } catch (problem) {
    answer = { error: String(/** @type {Error} */ (problem).message ?? problem) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
