// A JupyterLab extension without a build step: JupyterLab loads this file, asks the container
// below for "./extension" and activates the plugin. Only commands are used, no packages.
(() => {
  "use strict";

  const NAME = "@km3net/lab";
  const POLL_SECONDS = 30;
  const KEEP = "km3:keep-running";
  const EXPLAIN = "km3:explain";
  const HUB = "hub:control-panel";

  const pageConfig = () => {
    const element = document.getElementById("jupyter-config-data");
    return element ? JSON.parse(element.textContent) : {};
  };

  const stored = (storage, key) => {
    // A browser may forbid storage; then a message is shown once more, which is no harm.
    try { return storage.getItem(key); } catch { return null; }
  };
  const store = (storage, key, value) => {
    try { storage.setItem(key, value); } catch { /* as above */ }
  };

  class Messages {
    constructor(app, config) {
      this.app = app;
      this.config = config;
      this.shown = new Map(); // notice id -> notification id, of this page
      this.prefix = `km3:${config.baseUrl}`;
      this.banner = null;
    }

    request(method) {
      const headers = this.config.token ? { Authorization: `token ${this.config.token}` } : {};
      const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]+)/);
      if (xsrf) headers["X-XSRFToken"] = xsrf[1];
      const url = `${this.config.baseUrl}km3/notices`;
      return fetch(url, { method, headers, credentials: "same-origin", cache: "no-store" });
    }

    async look() {
      if (document.hidden) return;
      await Promise.allSettled([this.notices(), this.lookAtBanner()]);
    }

    async notices() {
      const response = await this.request("GET");
      if (!response.ok) return;
      const state = await response.json();
      await this.open(state);
      for (const notice of state.notices) {
        if (!this.shown.has(notice.id)) await this.show(state.start, notice);
      }
      const current = new Set(state.notices.map((notice) => notice.id));
      for (const [id, notification] of this.shown) {
        if (current.has(id)) continue;
        this.shown.delete(id);
        if (notification) {
          await this.app.commands.execute("apputils:dismiss-notification", { id: notification });
        }
      }
    }

    async show(start, notice) {
      // A page that reloads does not repeat what was said; what stands until it changes, it does.
      const key = `${this.prefix}:${start}:${notice.id}`;
      const standing = notice.button === "keep";
      this.shown.set(notice.id, null);
      if (!standing && stored(sessionStorage, key)) return;
      store(sessionStorage, key, "1");
      const actions = [];
      if (notice.details) {
        const args = { text: notice.text, details: notice.details };
        actions.push({ label: "What can I do?", commandId: EXPLAIN, args });
      }
      if (standing) {
        actions.push({ label: "Keep it running", commandId: KEEP, args: {}, displayType: "accent" });
      }
      if (notice.button === "size" && this.app.commands.hasCommand(HUB)) {
        actions.push({ label: "Choose a larger size", commandId: HUB, args: {}, displayType: "accent" });
      }
      this.shown.set(notice.id, await this.notify(notice.text, notice.level, actions));
    }

    explain(text, details) {
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
      const form = document.createElement("form");
      form.method = "dialog";
      form.style.textAlign = "right";
      const button = document.createElement("button");
      button.className = "jp-mod-styled jp-mod-accept";
      button.textContent = "Close";
      form.append(button);
      dialog.append(head, body, form);
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
    }

    notify(message, type, actions = []) {
      return this.app.commands.execute("apputils:notify", {
        message, type, options: { autoClose: false, actions },
      });
    }

    async open(state) {
      const key = `${this.prefix}:landing`;
      if (!state.landing || stored(localStorage, key) === state.start) return;
      store(localStorage, key, state.start);
      // Who followed a link to a file wants that file.
      if (this.config.treePath) return;
      await this.app.restored;
      await this.app.commands.execute("docmanager:open", {
        path: state.landing, factory: "Markdown Preview",
      });
    }

    async lookAtBanner() {
      if (!this.config.hubPrefix) return;
      const url = `${this.config.hubHost || ""}${this.config.hubPrefix}banner`;
      const response = await fetch(url, { credentials: "same-origin", cache: "no-store" });
      if (!response.ok) return;
      const { text = "", level = "info" } = await response.json();
      const now = `${level}:${text}`;
      if (now === this.banner) return;
      const first = this.banner === null;
      this.banner = now;
      if (this.bannerNotification) {
        await this.app.commands.execute("apputils:dismiss-notification", {
          id: this.bannerNotification,
        });
        this.bannerNotification = null;
      }
      const key = `${this.prefix}:banner`;
      if (!text || (first && stored(sessionStorage, key) === now)) return;
      store(sessionStorage, key, now);
      const types = { warning: "warning", danger: "error" };
      this.bannerNotification = await this.notify(text, types[level] || "info");
    }
  }

  const plugin = {
    id: `${NAME}:messages`,
    autoStart: true,
    activate: (app) => {
      const messages = new Messages(app, pageConfig());
      app.commands.addCommand(KEEP, {
        label: "Keep the server running",
        execute: async () => {
          await messages.request("POST");
          await messages.notices();
        },
      });
      app.commands.addCommand(EXPLAIN, {
        label: "Explain a notice",
        execute: ({ text = "", details = "" }) => messages.explain(text, details),
      });
      app.started.then(() => {
        messages.look();
        // "Kernel Restarting" pops up at once and does not say why: ask at once.
        new MutationObserver((changes) => {
          const dialog = (node) => node.classList && node.classList.contains("jp-Dialog");
          if (!changes.some((change) => [...change.addedNodes].some(dialog))) return;
          [300, 2500].forEach((delay) => setTimeout(() => messages.look(), delay));
        }).observe(document.body, { childList: true });
        setInterval(() => messages.look(), POLL_SECONDS * 1000);
        document.addEventListener("visibilitychange", () => messages.look());
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
