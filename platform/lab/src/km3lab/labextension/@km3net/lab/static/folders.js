import { COMMANDS } from "./commands.js";

const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");

/** Returns the plugin that downloads folders and shows deleted files; null: there is no file browser. */
export const folderPlugin = async (load, config) => {
  const browser = await load("@jupyterlab/filebrowser");
  if (!browser) return null;
  return {
    id: "@km3net/lab:folders",
    autoStart: true,
    optional: [browser.IFileBrowserFactory],
    activate: (app, factory) => {
      if (!factory) return;
      const selected = () => {
        const widget = factory.tracker.currentWidget;
        return widget ? [...widget.selectedItems()].filter((one) => one.type === "directory") : [];
      };
      app.commands.addCommand(COMMANDS.folder, {
        label: "Download Folder as Zip",
        caption: "Download this folder with everything in it",
        isEnabled: () => selected().length === 1,
        execute: () => {
          const [folder] = selected();
          if (!folder) return;
          const link = document.createElement("a");
          link.href = `${config.baseUrl}km3/folder/${encoded(folder.path)}`;
          link.download = "";
          document.body.append(link);
          link.click();
          link.remove();
        },
      });
      app.contextMenu.addItem({
        command: COMMANDS.folder,
        selector: '.jp-DirListing-item[data-isdir="true"]',
        rank: 9,
      });
      if (!config.km3Trash) return;
      app.commands.addCommand(COMMANDS.trash, {
        label: "Deleted Files…",
        caption: "Show the files deleted in JupyterLab, and restore them",
        execute: () => window.open(`${config.baseUrl}km3/trash`, "_blank", "noopener"),
      });
      app.contextMenu.addItem({
        command: COMMANDS.trash,
        selector: ".jp-DirListing-content",
        rank: 60,
      });
    },
  };
};
