const ATTEMPTS = 3;

/** The connections to the user's server and to the hub, and what to say while they are lost. */
export class Connections {
  constructor(messages, documents) {
    this.messages = messages;
    this.documents = documents;
    this.failures = { server: 0, hub: 0 };
    this.shown = {};
    this.attempts = 0; // to save everything
  }

  async server(works) {
    const before = await this.note("server", works,
      "The connection to your server is interrupted. Keep this tab open: your kernels continue,"
      + " and unsaved changes stay here.", "warning");
    if (works) await this.saveAfter(before);
  }

  async hub(works) {
    const before = await this.note("hub", works,
      "The hub is restarting. Your kernels continue. Keep this tab open: what cannot be saved now"
      + " is saved when the hub is back.", "info");
    if (works) await this.saveAfter(before);
  }

  /** Save everything after an interruption. A connection that is just back may fail once more. */
  async saveAfter(interruption) {
    if (interruption) {
      this.attempts = ATTEMPTS;
      this.closeQuestion();
    }
    if (this.attempts === 0) return;
    this.attempts -= 1;
    this.documents.reconnect();
    const left = await this.documents.saveAll();
    if (left.length) return;
    this.attempts = 0;
    await this.messages.notify("The connection is back. Everything is saved.",
      "success", [], 10000);
  }

  /** JupyterLab's own dialog about an unreachable server asks whether to restart it: not now. */
  closeQuestion() {
    for (const dialog of document.querySelectorAll(".jp-Dialog")) {
      const dismiss = dialog.querySelector("button.jp-mod-reject");
      if (dismiss && dialog.textContent.includes(` ${this.messages.config.baseUrl} `)) {
        dismiss.click();
      }
    }
  }

  /** Returns whether the notice about this connection was shown before. */
  async note(which, works, text, type) {
    const before = this.shown[which];
    if (works) {
      this.failures[which] = 0;
      delete this.shown[which];
      if (before) await this.messages.dismiss(before);
    } else {
      this.failures[which] += 1;
      // One failed request is nothing to report.
      if (this.failures[which] === 2) this.shown[which] = await this.messages.notify(text, type);
    }
    return before;
  }

  get lost() {
    return this.failures.server > 0 || this.failures.hub > 0 || this.attempts > 0;
  }
}
