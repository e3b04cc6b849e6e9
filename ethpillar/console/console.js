/** Where it begins: the token leaves the address before anything else happens. */

import { takeToken } from "./model/place.js";
import { App } from "./app.js";

const { token, rest } = takeToken(location.hash);
if (token) history.replaceState(null, "", location.pathname + location.search + rest);
new App(token || (sessionStorage.getItem("token") ?? ""), token ? rest : location.hash);
