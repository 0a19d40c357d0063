// Keeps users' servers apart from the hub's pages. Loaded into configurable-http-proxy by
// `node --import`, because only the proxy sees every answer: a user controls the whole process of
// their server, and any header it sends.
//
// KM3_USER_ORIGINS=own: each user's server has a host name of its own below that of the hub. Users'
// host names never lead to the hub, and the hub's host name never leads to a user's server, except
// for programs that send a token (a browser adds no Authorization header by itself).
//
// KM3_USER_ORIGINS=shared: one host name for everything. A browser reaches a user's server only
// with a cookie that the hub gives to its owner; pages that are not Jupyter's own are sandboxed.
//
// Tests: tests/proxy. The hub's part: platform/hub/src/km3hub/origins.

import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { ConfigurableProxy } from "configurable-http-proxy/lib/configproxy.js";

const OWN = process.env.KM3_USER_ORIGINS === "own";
const PATH = process.env.KM3_PATH || "";
const HUB = OWN ? new URL(process.env.KM3_HUB_ORIGIN) : null;
const KEY = createHmac("sha256", process.env.CONFIGPROXY_AUTH_TOKEN || "")
  .update("owner of a server")
  .digest();

const SESSION = /^(?:__Host-)?jupyterhub-session-id$/;
const LOOPBACK = new Set(["127.0.0.1", "[::1]"]);
// Without `allow-same-origin`: the page gets an origin of its own, without cookies.
const SANDBOX = "sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads";
// First parts of the paths of Jupyter's own pages, which do not work in a sandbox. They are served
// to the owner only.
const JUPYTER = new Set(
  ("lab tree notebooks edit consoles terminals doc static api lsp kernelspecs custom nbextensions" +
    " mathjax km3 login logout oauth_callback").split(" ").concat("")
);
// What a server may not tell browsers. Clear-Site-Data: "cookies" ends the sessions of the whole
// domain, those with the hub included.
const FORBIDDEN = ["clear-site-data", "service-worker-allowed"];

// -- what a request asks for ------------------------------------------------------------------

// The host name without port, in the one spelling that routes have.
function hostOf(req) {
  const host = (req.headers.host || "").trim().toLowerCase();
  return host.replace(/:\d*$/, "").replace(/\.$/, "");
}

// The path as routes are looked up; undefined where it cannot be read.
function pathOf(req) {
  if (!req.url.startsWith("/")) return undefined;
  try {
    return decodeURIComponent(new URL(req.url, "http://example.com").pathname);
  } catch {
    return undefined;
  }
}

function isProgram(req) {
  return /^(token|bearer)\s+\S/i.test(req.headers.authorization || "");
}

// A program that reads or writes files below `dav/`; it sends the token as a password, and only once
// it was asked. Every page that a browser loads or sends says so in one of these headers.
function isFileProgram(req, below) {
  const { origin, accept } = req.headers;
  const browser = Object.keys(req.headers).some((name) => name.startsWith("sec-fetch-"));
  return /^dav(\/|$)/.test(below) && !browser && !origin && !(accept || "").includes("text/html");
}

// A request that may be answered with a redirect.
function isRead(kind, req) {
  return kind === "web" && (req.method === "GET" || req.method === "HEAD");
}

// A request by a script of a page; browsers say so in the header.
function isScript(req) {
  return ["cors", "same-origin", "no-cors"].includes(req.headers["sec-fetch-mode"]);
}

function cookies(req, name) {
  const found = new Set();
  for (const part of (req.headers.cookie || "").split(";")) {
    const [key, ...value] = part.trim().split("=");
    if (typeof name === "string" ? key === name : name.test(key)) found.add(value.join("="));
  }
  return found;
}

// -- answers of the proxy's own ---------------------------------------------------------------

const to = (location) => ({ code: 302, location });
const refuse = (code, message) => ({ code, message });

function answer(kind, res, { code, location, message }) {
  if (kind === "ws") {
    res.end(`HTTP/1.1 ${code} ${http.STATUS_CODES[code]}\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
  if (location) headers.Location = location;
  res.writeHead(code, headers);
  res.end(message ? `${message}\n` : "");
}

// -- own host names ---------------------------------------------------------------------------

// Routes are `/HOST/PATH` with a host name, as JupyterHub registers them; `/` is the hub.
async function ofHost(proxy, host, path) {
  const route = await proxy._routes.getTarget(`/${host}${path}`);
  return route && route.prefix !== "/" ? route : undefined;
}

// The host name on which a path leads to a user's server.
async function hostOfPath(proxy, path) {
  const routes = Object.keys(await proxy._routes.getAll());
  for (const key of routes) {
    const own = key.slice(key.indexOf("/", 1));
    if (key !== "/" && (path === own || path.startsWith(`${own}/`))) return key.split("/")[1];
  }
  return undefined;
}

async function ownHosts(proxy, kind, req) {
  const [host, path] = [hostOf(req), pathOf(req)];
  if (path === undefined) return refuse(400, "The address is not valid.");
  req.km3Host = host;
  if (host.endsWith(`.${HUB.hostname}`)) {
    if (await ofHost(proxy, host, path)) {
      req.km3User = true;
      return undefined;
    }
    // Lab shows a dialog for this status; it could not follow a redirect to another origin.
    if (isScript(req)) return refuse(424, "This server is not running.");
    // The hub's pages must not share an origin with a user's server, the login form above all.
    if (isRead(kind, req)) return to(HUB.origin + req.url);
    return refuse(421, `The hub is at ${HUB.origin}.`);
  }
  if (path.startsWith(`${PATH}/user/`)) {
    const own = await hostOfPath(proxy, path);
    if (own) {
      if (isProgram(req)) {
        req.km3Host = own;
        req.km3User = true;
        return undefined;
      }
      const address = `${HUB.protocol}//${own}${HUB.port ? `:${HUB.port}` : ""}`;
      if (isRead(kind, req)) return to(address + req.url);
      return refuse(421, `This server is at ${address}. Programs must send a token.`);
    }
  }
  // Names below 127.0.0.1 do not exist: people continue at localhost.
  const page = isRead(kind, req) && (req.headers.accept || "").includes("text/html");
  if (page && HUB.hostname === "localhost" && LOOPBACK.has(host)) return to(HUB.origin + req.url);
  return undefined;
}

// -- one host name ----------------------------------------------------------------------------

// The hub's `origins/owner.py` makes the cookie: `EXPIRES.MAC`. It belongs to one session with the
// hub. Two different session cookies are somebody's trick.
function isOwner(req, user) {
  const sessions = [...cookies(req, SESSION)];
  if (sessions.length !== 1) return false;
  for (const cookie of cookies(req, "km3-owner")) {
    const [expires, given] = cookie.split(".");
    const text = `${user}\n${sessions[0]}\n${expires}`;
    const right = createHmac("sha256", KEY).update(text).digest();
    const mac = Buffer.from(given || "", "hex");
    if (mac.length === right.length && timingSafeEqual(mac, right) && expires * 1000 > Date.now())
      return true;
  }
  return false;
}

// Whether a path below that of the server is one of Jupyter's own pages.
function isJupyters(below) {
  const [first, ...others] = below.split("/");
  return JUPYTER.has(first) && !others.includes("..");
}

async function oneHost(proxy, kind, req) {
  const path = pathOf(req);
  if (path === undefined) return refuse(400, "The address is not valid.");
  req.km3Host = undefined;
  const route = await proxy._routes.getTarget(path);
  if (!route || !route.prefix.startsWith(`${PATH}/user/`)) return undefined;
  req.km3User = true;
  if (isProgram(req)) {
    req.km3Sandbox = true;
    return undefined;
  }
  const below = path.slice(route.prefix.length + 1);
  if (kind === "web" && isFileProgram(req, below) && !below.split("/").includes("..")) {
    // An old browser could still be tricked into this: its cookies must not reach the server.
    delete req.headers.cookie;
    req.km3Sandbox = req.km3NoCookies = true;
    return undefined;
  }
  if (isOwner(req, route.data.user)) {
    req.km3Sandbox = !isJupyters(below);
    return undefined;
  }
  // The hub gives the cookie to the owner and tells everybody else whose server it is.
  if (isRead(kind, req)) return to(`${PATH}/hub/enter?next=${encodeURIComponent(req.url)}`);
  return refuse(403, "Only its owner can use this server from a browser.");
}

// -- the proxy's own methods ------------------------------------------------------------------

const { handleProxy } = ConfigurableProxy.prototype;
const decide = OWN ? ownHosts : oneHost;

function guard(proxyRes, req) {
  if (!req.km3User) return;
  for (const name of FORBIDDEN) delete proxyRes.headers[name];
  if (req.km3NoCookies) delete proxyRes.headers["set-cookie"];
  if (req.km3Sandbox) {
    const own = proxyRes.headers["content-security-policy"];
    proxyRes.headers["content-security-policy"] = own ? [SANDBOX, own] : SANDBOX;
  }
}

ConfigurableProxy.prototype.handleProxy = async function (kind, req, res) {
  if (!this.km3Guards) {
    this.km3Guards = true;
    this.proxy.prependListener("proxyRes", guard);
  }
  const refused = await decide(this, kind, req);
  if (refused) return answer(kind, res, refused);
  return handleProxy.apply(this, arguments);
};

ConfigurableProxy.prototype.targetForReq = async function (req) {
  const host = req.km3Host === undefined ? "" : `/${req.km3Host}`;
  const route = await this._routes.getTarget(host + pathOf(req));
  return route && { prefix: route.prefix, target: route.data.target };
};
