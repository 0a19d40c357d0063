import { COMMANDS } from "./commands.js";
import { folderPlugin } from "./folders.js";
import { Messages } from "./messages.js";
import { usePlugin } from "./use.js";

const pageConfig = () => {
  const element = document.getElementById("jupyter-config-data");
  return element ? JSON.parse(element.textContent) : {};
};

const messagesPlugin = {
  id: "@km3net/lab:messages",
  autoStart: true,
  activate: (app) => {
    const messages = new Messages(app, pageConfig());
    app.commands.addCommand(COMMANDS.keep, {
      label: "Keep the server running",
      execute: ({ notice }) => messages.answer(notice),
    });
    app.commands.addCommand(COMMANDS.explain, {
      label: "Explain a notice",
      execute: ({ text = "", details = "", notice }) => messages.explain(text, details, notice),
    });
    app.commands.addCommand(COMMANDS.dismiss, {
      label: "Dismiss a message",
      execute: ({ message, notice }) => messages.answer(notice, "messages", { message }),
    });
    app.commands.addCommand(COMMANDS.share, {
      label: "Show progress to teachers, or refuse",
      execute: ({ workshop, agreed, notice }) =>
        messages.answer(notice, "progress", { workshop, agreed }),
    });
    app.commands.addCommand(COMMANDS.larger, {
      label: "Restart the server with a larger size",
      execute: (args) => messages.restartLarger(args),
    });
    app.commands.addCommand(COMMANDS.download, {
      label: "Download a document as it is in the browser",
      execute: ({ path }) => messages.documents.download(path),
    });
    app.commands.addCommand(COMMANDS.save, {
      label: "Save a document again",
      execute: ({ path }) => messages.documents.save(path),
    });
    app.started.then(() => {
      const documents = messages.documents;
      documents.follow();
      for (const signal of [app.shell.layoutModified, app.shell.currentChanged]) {
        if (signal) signal.connect(() => documents.follow());
      }
      // "Kernel Restarting" pops up at once and does not say why: ask at once.
      new MutationObserver((changes) => {
        const dialog = (node) => node.classList && node.classList.contains("jp-Dialog");
        if (!changes.some((change) => [...change.addedNodes].some(dialog))) return;
        [300, 2500].forEach((delay) => setTimeout(() => messages.look(), delay));
      }).observe(document.body, { childList: true });
      messages.keepLooking();
      document.addEventListener("visibilitychange", () => messages.look());
    });
  },
};

/** Returns all plugins; `load` returns a package of JupyterLab. */
export const plugins = async (load) => {
  const config = pageConfig();
  const more = await Promise.all([usePlugin(load, config), folderPlugin(load, config)]);
  return [messagesPlugin, ...more.filter((plugin) => plugin !== null)];
};
