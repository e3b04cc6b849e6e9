/** Where the session's token comes from: the application, or what the dashboard keeps in the browser. */

export type TokenSource = string | (() => string | null | undefined);

/** Tokens to try, the best first. */
export function tokens(source: TokenSource | undefined): string[] {
  const given = typeof source === "function" ? source() : source;
  const found = source === undefined ? [cookie("ssh_session_ws"), stored("ssh_session_token")] : [given];
  return found.filter((each): each is string => typeof each === "string" && each !== "");
}

function cookie(name: string): string | null {
  if (typeof document === "undefined") return null;
  for (const part of document.cookie.split(";")) {
    const [key, ...value] = part.split("=");
    if (key?.trim() === name) return decoded(value.join("=").trim());
  }
  return null;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // no window, or storage that is not allowed
  }
}
