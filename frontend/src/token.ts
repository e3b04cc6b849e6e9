/** Where the session's token comes from: the application, or what the dashboard keeps in the browser. */

export type TokenSource = string | (() => string | null | undefined);

/** The token to show, or null when there is none: the application's, else the cookie's, else the one in storage. */
export function findToken(source: TokenSource | undefined): string | null {
  const given = typeof source === "function" ? source() : source;
  return (source === undefined ? cookie("ssh_session_ws") || stored("ssh_session_token") : given) || null;
}

function cookie(name: string): string | null {
  const found = globalThis.document?.cookie.split(/;\s*/).find((each) => each.startsWith(`${name}=`));
  const value = found?.slice(name.length + 1);
  try {
    return value ? decodeURIComponent(value) : null;
  } catch {
    return value as string;
  }
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // no window, or storage that is not allowed
  }
}
