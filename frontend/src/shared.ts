/**
 * One store per page and server, however many hooks, copies of this package or hot reloads there are.
 *
 * Belongs here: the one thing that is kept outside of any object. A server that renders pages for many people keeps
 * nothing.
 */

import type { ConnectionOptions } from "./connection.js";
import { createRealtime, type Realtime } from "./realtime.js";

export interface RealtimeConfig extends ConnectionOptions {
  url?: string | undefined;
}

interface Page {
  stores: Map<string, Realtime>;
  config: RealtimeConfig;
}

const KEY = Symbol.for("@ethpillar/realtime 1");
const DEFAULT_PORT = 3001;
declare const process: { env: Record<string, string | undefined> };

function page(): Page {
  const fresh = { stores: new Map(), config: {} };
  if (typeof window === "undefined") return fresh;
  return ((globalThis as { [KEY]?: Page })[KEY] ??= fresh);
}

/** The server's address and the token for all hooks outside of a provider. Call it before the first of them. */
export function configureRealtime(config: RealtimeConfig): void {
  Object.assign(page().config, config);
}

function defaultUrl(): string {
  try {
    const given = process.env.NEXT_PUBLIC_WS_URL; // the bundler puts the value here: it has to stand like this
    if (given) return given;
  } catch {
    // no `process` in this browser
  }
  const { protocol, hostname } = globalThis.location ?? { protocol: "http:", hostname: "localhost" };
  return `${protocol}//${hostname}:${DEFAULT_PORT}`;
}

/**
 * The page's store for a server, made when there is none.
 *
 * @param url left out: what was configured, `NEXT_PUBLIC_WS_URL`, or port 3001 of the page's host
 * @param options left out: what was configured. Stores with different tokens are different stores.
 */
export function sharedRealtime(url?: string, options?: ConnectionOptions): Realtime {
  const { stores, config } = page();
  const address = url ?? config.url ?? defaultUrl();
  const chosen = options?.token === undefined ? { ...options, token: config.token } : options;
  const { token } = chosen;
  if (typeof token === "function" && token !== config.token) return createRealtime(address, chosen);
  const key = JSON.stringify([address, typeof token === "string" ? token : typeof token]);
  let store = stores.get(key);
  if (!store) {
    store = createRealtime(address, chosen);
    stores.set(key, store);
  }
  return store;
}
