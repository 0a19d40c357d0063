import { COMMANDS } from "./commands.js";

/** The open documents: what could not be saved can be downloaded as it is in the browser. */
export class Documents {
  constructor(app, messages) {
    this.app = app;
    this.messages = messages;
    this.followed = new WeakSet();
    this.failed = new Map(); // context -> notification id
    this.saving = new Set();
  }

  contexts() {
    const found = new Set();
    for (const widget of this.app.shell.widgets("main")) {
      if (widget.context && widget.context.saveState) found.add(widget.context);
    }
    return [...found];
  }

  at(path) {
    return this.contexts().find((context) => context.path === path);
  }

  follow() {
    for (const context of this.contexts()) {
      if (this.followed.has(context)) continue;
      this.followed.add(context);
      context.saveState.connect((_, state) => this.changed(context, state));
      context.disposed.connect(() => this.forget(context));
    }
  }

  async changed(context, state) {
    if (state === "started") this.saving.add(context);
    else this.saving.delete(context);
    if (state.startsWith("completed")) {
      this.closeError(context);
      await this.forget(context);
    }
    if (state === "failed" && !this.failed.has(context)) await this.warn(context);
  }

  /** Close Lab's own dialog about a failed save of what is saved now. */
  closeError(context) {
    const title = `File Save Error for ${context.path.split("/").pop()}`;
    for (const dialog of document.querySelectorAll(".jp-Dialog")) {
      const header = dialog.querySelector(".jp-Dialog-header");
      const button = dialog.querySelector("button.jp-Dialog-button");
      if (header && button && header.textContent.trim() === title) button.click();
    }
  }

  async warn(context, advice = "Your changes are in this browser tab only: keep it open.") {
    this.failed.set(context, null);
    const name = context.path.split("/").pop();
    const args = { path: context.path };
    const id = await this.messages.notify(
      `${name} could not be saved. ${advice}`,
      "error",
      [
        { label: "Download it as it is here", commandId: COMMANDS.download, args, displayType: "accent" },
        { label: "Save again", commandId: COMMANDS.save, args },
      ],
    );
    // It may have been saved meanwhile.
    if (this.failed.has(context)) this.failed.set(context, id);
    else await this.messages.dismiss(id);
  }

  async forget(context) {
    if (!this.failed.has(context)) return;
    const id = this.failed.get(context);
    this.failed.delete(context);
    if (id) await this.messages.dismiss(id);
  }

  async download(path) {
    const context = this.at(path);
    if (!context) return;
    this.hand(context, path);
    if (!this.failed.has(context)) return;
    // The button has closed the notice, and the document is still not saved.
    await this.forget(context);
    await this.warn(context, "You have downloaded a copy; keep this browser tab open, too.");
  }

  hand(context, path) {
    const type = path.endsWith(".ipynb") ? "application/x-ipynb+json" : "application/octet-stream";
    const address = URL.createObjectURL(new Blob([context.model.toString()], { type }));
    const link = document.createElement("a");
    link.href = address;
    link.download = path.split("/").pop();
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }

  async save(path) {
    const context = this.at(path);
    if (!context) return;
    await this.forget(context); // the button has closed the notice
    await this.saveOnce(context);
  }

  /**
   * Save a document, unless that is going on: of two at the same time, Lab takes the one for a change
   * by somebody else and asks which to keep. `changed` reports a failure.
   */
  async saveOnce(context) {
    if (!this.saving.has(context)) await context.save().catch(() => {});
  }

  unsaved() {
    return this.contexts().filter((context) => context.model && context.model.dirty);
  }

  /** Save everything; return what could not be saved. */
  async saveAll() {
    await Promise.all(this.unsaved().map((context) => this.saveOnce(context)));
    return this.unsaved();
  }

  reconnect() {
    for (const widget of this.app.shell.widgets("main")) {
      const kernel = widget.sessionContext && widget.sessionContext.session
        ? widget.sessionContext.session.kernel : null;
      if (kernel && kernel.connectionStatus !== "connected") kernel.reconnect().catch(() => {});
    }
  }
}
