// A JupyterLab extension without a build step: JupyterLab loads this file, asks the container
// below for "./extension" and activates its plugins. JupyterLab hands over its own packages.
(() => {
  "use strict";

  const NAME = "@km3net/lab";
  const plugin = new URL("plugin.js", document.currentScript.src).href;

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  let shared = {};
  /** Returns a package of JupyterLab; null: this JupyterLab has none of that name. */
  const load = async (name) => {
    const [version] = Object.values(shared[name] || {});
    return version ? (await version.get())() : null;
  };

  window._JUPYTERLAB[NAME] = {
    init: (scope) => { shared = scope; },
    get: async () => {
      const module = await import(plugin);
      const plugins = await module.plugins(load);
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
