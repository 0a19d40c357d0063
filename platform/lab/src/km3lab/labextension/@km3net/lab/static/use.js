const POLL_SECONDS = 5;
const FULL = 0.9;
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** Returns bytes as people write them: 1.5 GB (of 1024³). */
export const amount = (bytes) => {
  let [value, power] = [bytes, 0];
  while (value >= 1024 && power < UNITS.length - 1) [value, power] = [value / 1024, power + 1];
  return `${value.toFixed(value >= 10 || power === 0 ? 0 : 1)} ${UNITS[power]}`;
};

const cores = (number) => `${number.toFixed(number >= 10 || number % 1 === 0 ? 0 : 1)}`;

/** Returns name, text, explanation, and share of the limit (null: unknown) of each value. */
export const describe = ({ memory, cpu, disk }) => {
  const found = [];
  if (memory && memory.used !== null) {
    const limit = memory.limit ? ` of ${amount(memory.limit)}` : "";
    found.push({
      name: "Memory",
      text: `${amount(memory.used)}${limit.replace(" of ", " / ")}`,
      title: `Your server and its kernels use ${amount(memory.used)}${limit} of memory.`
        + " At the limit the largest kernel is stopped.",
      share: memory.limit ? memory.used / memory.limit : null,
    });
  }
  if (cpu && cpu.used !== null) {
    const limit = cpu.limit ? ` of ${cores(cpu.limit)}` : "";
    found.push({
      name: "CPU",
      text: `${cpu.used.toFixed(1)}${limit.replace(" of ", " / ")}`,
      title: `Your server and its kernels keep ${cpu.used.toFixed(1)}${limit} processor cores busy.`,
      share: null, // a busy processor is no problem
    });
  }
  if (disk && disk.limit) {
    found.push({
      name: "Disk",
      text: `${amount(disk.used)} / ${amount(disk.limit)}`,
      title: `Your home has ${amount(disk.used)} of ${amount(disk.limit)}; ${amount(disk.free)} left.`,
      share: disk.used / disk.limit,
    });
  } else if (disk && disk.free !== null) {
    found.push({
      name: "Disk",
      text: `${amount(disk.free)} free`,
      title: `The disk of your home has ${amount(disk.free)} left.`,
      share: null,
    });
  }
  return found;
};

const show = (node, state) => {
  node.replaceChildren(...describe(state).map(({ name, text, title, share }) => {
    const item = document.createElement("span");
    item.textContent = `${name} ${text}`;
    item.title = title;
    item.dataset.km3Use = name.toLowerCase();
    item.style.cssText = "padding:0 6px;white-space:nowrap;font-variant-numeric:tabular-nums";
    if (share !== null && share >= FULL) {
      // Not by colour alone.
      item.textContent += " (nearly full)";
      item.style.fontWeight = "bold";
      item.style.color = "var(--jp-error-color1)";
    }
    return item;
  }));
};

const watch = async (node, config) => {
  const headers = config.token ? { Authorization: `token ${config.token}` } : {};
  let latest = 0;
  const look = async () => {
    if (document.hidden || Date.now() - latest < 1000 * (POLL_SECONDS - 0.5)) return;
    latest = Date.now();
    const options = { headers, credentials: "same-origin", cache: "no-store" };
    const answer = await fetch(`${config.baseUrl}km3/use`, options).catch(() => null);
    // Old numbers would look like true ones.
    if (answer && answer.ok) show(node, await answer.json());
    else node.replaceChildren();
  };
  const lookSafely = () => look().catch(() => node.replaceChildren());
  document.addEventListener("visibilitychange", lookSafely);
  for (;;) {
    await lookSafely();
    await new Promise((done) => setTimeout(done, 1000 * POLL_SECONDS));
  }
};

/** Returns the plugin that shows memory, processor and disk; null: there is no status bar. */
export const usePlugin = async (load, config) => {
  const [bar, widgets] = await Promise.all([
    load("@jupyterlab/statusbar"), load("@lumino/widgets"),
  ]);
  if (!bar || !widgets) return null;
  return {
    id: "@km3net/lab:use",
    autoStart: true,
    optional: [bar.IStatusBar],
    activate: (app, statusBar) => {
      if (!statusBar) return;
      const node = document.createElement("div");
      node.setAttribute("role", "group");
      node.setAttribute("aria-label", "Use of memory, processor and disk");
      node.style.cssText = "display:flex;align-items:center;height:100%";
      const item = new widgets.Widget({ node });
      statusBar.registerStatusItem("@km3net/lab:use", { item, align: "right", rank: 900 });
      app.started.then(() => watch(node, config));
    },
  };
};
