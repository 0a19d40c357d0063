// The commands that buttons of notifications run.
export const COMMANDS = {
  keep: "km3:keep-running",
  explain: "km3:explain",
  dismiss: "km3:dismiss-message",
  larger: "km3:restart-larger",
  download: "km3:download-document",
  save: "km3:save-document",
  share: "km3:show-progress",
  open: "docmanager:open",
  folder: "km3:download-folder",
  trash: "km3:deleted-files",
  hub: "hub:control-panel",
};
