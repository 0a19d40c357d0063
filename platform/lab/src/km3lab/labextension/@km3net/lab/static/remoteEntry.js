// A JupyterLab extension without a build step: JupyterLab loads this file, asks the container
// below for "./extension" and activates the plugin. Only commands are used, no packages.
(() => {
  "use strict";

  const NAME = "@km3net/lab";
  const plugin = new URL("plugin.js", document.currentScript.src).href;

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: () => {},
    get: async () => {
      const module = await import(plugin);
      return () => ({ __esModule: true, default: module.plugin });
    },
  };
})();
