/**
 * Which token is shown, and which ones are of no use any more.
 *
 * Belongs here: what the server said about tokens. It must not know how one is shown, nor when it is tried again.
 */

import { findToken, type TokenSource } from "./token.js";

/** How often a session is shown that the server does not know (yet). */
const LOGIN_TRIES = 4;

export class Credentials {
  private shown = "";
  private accepted: string | null = null;
  private refused = new Set<string>();
  private refusals = 0;

  constructor(private source: TokenSource | undefined) {}

  /** The token shown last. */
  get token(): string {
    return this.shown;
  }

  /** True if a token was found to be of no use. */
  get wereRefused(): boolean {
    return this.refused.size > 0;
  }

  /** The token to show, or null when there is none that is of any use. */
  pick(): string | null {
    // A cookie ends before a session that is in use does.
    const found = findToken(this.source) ?? this.accepted;
    return found === null || this.refused.has(found) ? null : found;
  }

  show(token: string): void {
    if (token !== this.shown) this.refusals = 0;
    this.shown = token;
  }

  accept(): void {
    this.accepted = this.shown;
    this.refusals = 0;
  }

  /** The server does not know the token shown. Returns true if to show it again is of no use. */
  unknown(): boolean {
    return this.accepted === this.shown || ++this.refusals >= LOGIN_TRIES;
  }

  /** The token shown is of no use any more. */
  refuse(): void {
    this.refused.add(this.shown);
    this.accepted = null;
  }

  /** Nobody looks any more: only what the application has counts then. */
  leave(): void {
    this.accepted = null;
  }

  /** Any token may be shown again. */
  forgive(): void {
    this.refused.clear();
    this.refusals = 0;
  }
}
