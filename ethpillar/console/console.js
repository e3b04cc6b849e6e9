/** Where it begins: the token leaves the address before anything else happens. */

import { App, TOKEN } from "./app.js";
import { arrive } from "./links.js";

const { token, rest } = arrive();
new App(token || (sessionStorage.getItem(TOKEN) ?? ""), rest);
