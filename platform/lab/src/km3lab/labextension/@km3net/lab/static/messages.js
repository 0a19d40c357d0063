import { COMMANDS } from "./commands.js";
import { Connections } from "./connections.js";
import { Documents } from "./documents.js";

const POLL_SECONDS = 30;
const NEXT_ATTEMPT_SECONDS = 3;

const stored = (storage, key) => {
  // A browser may forbid storage; then a message is shown twice, which is harmless.
  try { return storage.getItem(key); } catch { return null; }
};
const store = (storage, key, value) => {
  try { storage.setItem(key, value); } catch { /* as above */ }
};

/** The notices of the user's server and the banner of the hub. */
export class Messages {
  constructor(app, config) {
    this.app = app;
    this.config = config;
    this.shown = new Map(); // notice id -> id and arguments of its notification, of this page
    this.prefix = `km3:${config.baseUrl}`;
    this.banner = null;
    this.pollSeconds = POLL_SECONDS;
    this.documents = new Documents(app, this);
    this.connections = new Connections(this, this.documents);
  }

  async keepLooking() {
    await this.prepare().catch(() => {});
    for (;;) {
      await this.look().catch(() => {});
      const seconds = this.connections.lost ? NEXT_ATTEMPT_SECONDS : this.pollSeconds;
      await new Promise((done) => setTimeout(done, 1000 * seconds));
    }
  }

  request(method, path = "notices", content = undefined) {
    const headers = this.config.token ? { Authorization: `token ${this.config.token}` } : {};
    if (content !== undefined) headers["Content-Type"] = "application/json";
    const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]+)/);
    if (xsrf) headers["X-XSRFToken"] = xsrf[1];
    const url = `${this.config.baseUrl}km3/${path}`;
    const body = content === undefined ? undefined : JSON.stringify(content);
    return fetch(url, { method, headers, body, credentials: "same-origin", cache: "no-store" });
  }

  async look() {
    if (document.hidden) return;
    await Promise.allSettled([this.notices(), this.lookAtBanner()]);
  }

  dismiss(id) {
    return this.app.commands.execute("apputils:dismiss-notification", { id });
  }

  async notices() {
    const response = await this.request("GET").catch(() => null);
    // 500: the server itself, which cannot ask the hub whether the login still counts.
    // A proxy that does not reach the server answers with 502, 503 or 504.
    await this.connections.server(response !== null && response.status <= 500);
    if (response === null || !response.ok) return;
    const state = await response.json();
    this.pollSeconds = state.poll || POLL_SECONDS;
    await this.open(state);
    for (const notice of state.notices) {
      if (!this.shown.has(notice.id)) await this.show(state.start, notice);
    }
    const current = new Set(state.notices.map((notice) => notice.id));
    for (const [id, notification] of this.shown) {
      if (current.has(id)) continue;
      this.shown.delete(id);
      if (notification) await this.dismiss(notification.id);
    }
  }

  /** Every button of a notification closes it: show it again where its notice still applies. */
  async showAgain(notice) {
    const before = this.shown.get(notice);
    if (!before) return;
    await this.dismiss(before.id);
    const id = await this.notify(...before.content);
    this.shown.set(notice, { ...before, id });
  }

  async show(start, notice) {
    // A reloaded page does not repeat past messages, only those that still apply.
    const key = `${this.prefix}:${start}:${notice.id}`;
    const standing = ["keep", "read", "share"].includes(notice.button);
    this.shown.set(notice.id, null);
    if (!standing && stored(sessionStorage, key)) return;
    store(sessionStorage, key, "1");
    const actions = [];
    if (notice.details) {
      const args = { text: notice.text, details: notice.details, notice: notice.id };
      const labels = { read: "Read all", open: "Details", share: "What is sent?" };
      const label = labels[notice.button] || "What can I do?";
      actions.push({ label, commandId: COMMANDS.explain, args });
    }
    if (notice.button === "read") {
      const args = { ...notice.arguments, notice: notice.id };
      actions.push({ label: "Got it", commandId: COMMANDS.dismiss, args, displayType: "accent" });
    }
    if (notice.button === "share") {
      for (const [label, agreed] of [["Show it", true], ["No", false]]) {
        const args = { ...notice.arguments, agreed, notice: notice.id };
        actions.push({ label, commandId: COMMANDS.share, args });
      }
    }
    if (notice.button === "open") {
      actions.push({ label: "Open", commandId: COMMANDS.open, args: notice.arguments });
    }
    if (notice.button === "keep") {
      actions.push({ label: "Keep it running", commandId: COMMANDS.keep, args: { notice: notice.id }, displayType: "accent" });
    }
    if (notice.button === "size" && notice.arguments.title) {
      const label = `Restart with ${notice.arguments.title}`;
      const args = { ...notice.arguments, notice: notice.id };
      actions.push({ label, commandId: COMMANDS.larger, args, displayType: "accent" });
    } else if (notice.button === "size" && this.app.commands.hasCommand(COMMANDS.hub)) {
      actions.push({ label: "Choose a larger size", commandId: COMMANDS.hub, args: {}, displayType: "accent" });
    }
    const content = [notice.text, notice.level, actions];
    this.shown.set(notice.id, { id: await this.notify(...content), content });
  }

  explain(text, details, notice) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", text);
    dialog.style.cssText =
      "max-width:32rem;padding:1.5rem;border:0;border-radius:4px;line-height:1.5;" +
      "font-size:var(--jp-ui-font-size2);font-family:var(--jp-ui-font-family);" +
      "color:var(--jp-ui-font-color1);background:var(--jp-layout-color1);" +
      "box-shadow:0 4px 24px rgba(0,0,0,.35)";
    const head = document.createElement("strong");
    head.textContent = text;
    const body = document.createElement("p");
    body.textContent = details;
    body.style.whiteSpace = "pre-line";
    const form = document.createElement("form");
    form.method = "dialog";
    form.style.textAlign = "right";
    const button = document.createElement("button");
    button.className = "jp-mod-styled jp-mod-accept";
    button.textContent = "Close";
    form.append(button);
    dialog.append(head, body, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      this.showAgain(notice);
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  notify(message, type, actions = [], autoClose = false) {
    return this.app.commands.execute("apputils:notify", {
      message, type, options: { autoClose, actions },
    });
  }

  /** Send an answer to a notice; where that fails, the notice stays. */
  async answer(notice, path, content) {
    const answer = await this.request("POST", path, content).catch(() => null);
    if (answer === null || !answer.ok) await this.showAgain(notice);
    else await this.notices();
  }

  /** JupyterLab fetches what shows notifications at the first one. Offline that fails for good. */
  async prepare() {
    await this.dismiss(await this.notify(" ", "default")); // dismissed before it appears
  }

  /** Restart the server with the next larger size, after everything was saved. */
  async restartLarger({ path = "", notice }) {
    const left = await this.documents.saveAll();
    if (left.length) {
      const names = left.map((context) => context.path).join(", ");
      this.explain("The server was not restarted", `These documents could not be saved: ${names}`,
        notice);
      return;
    }
    const answer = await this.request("POST", "restart", {}).catch(() => null);
    if (answer === null || !answer.ok) {
      const said = answer ? await answer.json().catch(() => ({})) : {};
      this.explain("The server was not restarted",
        said.message || "Your server does not answer. Try again in a minute.", notice);
      return;
    }
    const opened = path ? `lab/tree/${path.split("/").map(encodeURIComponent).join("/")}` : "lab";
    const next = encodeURIComponent(`${this.config.baseUrl}${opened}`);
    window.location.assign(
      `${this.config.hubHost || ""}${this.config.hubPrefix}restarting?next=${next}`,
    );
  }

  async open(state) {
    const key = `${this.prefix}:landing`;
    if (!state.landing || stored(localStorage, key) === state.start) return;
    store(localStorage, key, state.start);
    // A user who followed a link to a file wants that file.
    if (this.config.treePath) return;
    await this.app.restored;
    await this.app.commands.execute("docmanager:open", {
      path: state.landing, factory: "Markdown Preview",
    });
  }

  async lookAtBanner() {
    if (!this.config.hubPrefix) return;
    const url = `${this.config.hubHost || ""}${this.config.hubPrefix}banner`;
    const response = await fetch(url, { credentials: "same-origin", cache: "no-store" })
      .catch(() => null);
    // Without the proxy neither answers, and that is reported already.
    if (!this.connections.failures.server) {
      await this.connections.hub(response !== null && response.status < 500);
    }
    if (response === null || !response.ok) return;
    const { text = "", level = "info" } = await response.json();
    const now = `${level}:${text}`;
    if (now === this.banner) return;
    const first = this.banner === null;
    this.banner = now;
    if (this.bannerNotification) {
      await this.dismiss(this.bannerNotification);
      this.bannerNotification = null;
    }
    const key = `${this.prefix}:banner`;
    if (!text || (first && stored(sessionStorage, key) === now)) return;
    store(sessionStorage, key, now);
    const types = { warning: "warning", danger: "error" };
    this.bannerNotification = await this.notify(text, types[level] || "info");
  }
}
