// Behaviour of the hub's pages; what each element does is said by its data-km3-* attribute.
"use strict";

const all = (selector) => document.querySelectorAll(selector);
const one = (selector) => document.querySelector(selector);
const LOG = "km3-start-log";

/** Show a sentence in the page's place for failures. */
function showFailure(sentence) {
  const place = one("[data-km3-failure]");
  place.textContent = sentence;
  place.hidden = false;
}

/** Reload when the hub answers; while it does not, say so. */
async function reloadWhenReachable() {
  for (;;) {
    await new Promise((done) => setTimeout(done, 2000));
    try {
      await fetch(window.location.href, { redirect: "manual", cache: "no-store" });
      window.location.reload();
      return;
    } catch {
      showFailure(
        "The hub does not answer at the moment. Your server is not affected; this page goes on as soon as the hub is back.",
      );
    }
  }
}

/** Stop the user's server, then go to `next`. */
async function stopServer(button, next) {
  const label = button.textContent;
  const hub = window.jhdata;
  button.disabled = true;
  button.textContent = button.dataset.km3Busy;
  try {
    const answer = await fetch(`${hub.base_url}api/users/${encodeURIComponent(hub.user)}/server`, {
      method: "DELETE",
      headers: { "X-XSRFToken": hub.xsrf_token },
    });
    if (answer.ok) {
      window.location.assign(next);
      return;
    }
    const said = await answer.json().catch(() => ({}));
    showFailure(said.message || `The server was not stopped (error ${answer.status}).`);
  } catch {
    showFailure("The hub does not answer. Check your connection and try again.");
  }
  button.disabled = false;
  button.textContent = label;
}

/** Make a token for the files of the user's home, and show it once. */
async function makeFilesToken(button) {
  const hub = window.jhdata;
  button.disabled = true;
  try {
    const answer = await fetch(`${hub.base_url}api/users/${encodeURIComponent(hub.user)}/tokens`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-XSRFToken": hub.xsrf_token },
      body: JSON.stringify({
        note: "Files from outside",
        expires_in: 30 * 86400,
        scopes: [button.dataset.km3FilesToken],
      }),
    });
    const made = await answer.json().catch(() => ({}));
    if (answer.ok) {
      const place = one("[data-km3-token]");
      place.querySelector("code").textContent = made.token;
      place.hidden = false;
      return;
    }
    showFailure(made.message || `The token was not made (error ${answer.status}).`);
  } catch {
    showFailure("The hub does not answer. Check your connection and try again.");
  }
  button.disabled = false;
}

/** Follow a start until it is ready or failed; the hub then has the right page for either. */
function followStart(panel) {
  const bar = panel.querySelector("[role=progressbar]");
  const status = panel.querySelector("[role=status]");
  const list = panel.querySelector("ol");
  const said = [];
  let placed = false;
  const source = new EventSource(panel.dataset.km3Progress);
  source.onmessage = (event) => {
    const { progress, message, place, ready, failed } = JSON.parse(event.data);
    if (progress !== undefined) {
      bar.setAttribute("aria-valuenow", String(progress));
      bar.firstElementChild.style.width = `${Math.max(4, Math.min(100, progress))}%`;
    }
    const text = ready ? "Ready, opening it" : message;
    if (text && text !== said.at(-1)) {
      status.textContent = text;
      // A new place in the queue replaces the former one.
      if (place && placed) {
        said.pop();
        list.lastElementChild.remove();
      }
      placed = Boolean(place);
      said.push(text);
      list.append(Object.assign(document.createElement("li"), { textContent: text }));
    }
    if (ready || failed) {
      source.close();
      // The page that explains a failure shows what led to it.
      window.sessionStorage.setItem(LOG, JSON.stringify(failed ? said.slice(0, -1) : []));
      window.location.reload();
    }
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) reloadWhenReachable();
  };
}

all("[data-km3-reveal]").forEach((button) => {
  const field = document.getElementById(button.dataset.km3Reveal);
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
  });
});

// Takes what follows `#` out of the address bar and the history.
const forgetFragment = () =>
  window.history.replaceState(null, "", window.location.pathname + window.location.search);

all("[data-km3-forget-fragment]").forEach(() => {
  forgetFragment();
  window.addEventListener("hashchange", forgetFragment);
});

// `#VALUE.SECRET` of the address becomes two hidden fields.
all("[data-km3-fragment]").forEach((form) => {
  const names = form.dataset.km3Fragment.split(" ");
  const fill = () => {
    const values = window.location.hash.slice(1).split(".");
    if (values.length !== names.length || !values.every((value) => /^[\w-]+$/.test(value))) return;
    names.forEach((name, place) => {
      form.elements[name].value = values[place];
      const shown = form.querySelector(`[data-km3-shown="${name}"]`);
      if (shown) shown.textContent = values[place];
    });
    forgetFragment();
    form.hidden = false;
    all("[data-km3-no-fragment], #login-error").forEach((element) => {
      element.hidden = true;
    });
  };
  fill();
  window.addEventListener("hashchange", fill);
});

// A second click must not send a form twice.
all("[data-km3-once]").forEach((form) => {
  const button = form.querySelector("[type=submit]");
  const label = button?.textContent;
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = form.dataset.km3Once;
  });
  // The browser's "back" shows the page as it was left.
  window.addEventListener("pageshow", () => {
    if (button) {
      button.disabled = false;
      button.textContent = label;
    }
  });
});

all("[data-km3-files-token]").forEach((button) => {
  button.addEventListener("click", () => makeFilesToken(button));
});
all("[data-km3-stop]").forEach((button) => {
  button.addEventListener("click", (event) => {
    // Without this script, the button sends a form.
    event.preventDefault();
    stopServer(button, button.dataset.km3Stop);
  });
});

all("[data-km3-progress]").forEach(followStart);

all("[data-km3-reload]").forEach((element) => {
  setTimeout(() => window.location.reload(), 1000 * Number(element.dataset.km3Reload));
});

// Parts that change by themselves; what somebody types elsewhere on the page stays.
all("[data-km3-refresh]").forEach((part) => {
  const refresh = async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(window.location.pathname, { cache: "no-store", redirect: "error" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (fresh && !part.contains(document.activeElement)) part.replaceChildren(...fresh.childNodes);
  };
  setInterval(() => refresh().catch(() => {}), 1000 * Number(part.dataset.km3Refresh));
});

all("[data-km3-follow]").forEach((link) => {
  setTimeout(() => window.location.assign(link.href), 1000 * Number(link.dataset.km3Follow));
});

all("[data-km3-last-log]").forEach((details) => {
  const said = JSON.parse(window.sessionStorage.getItem(LOG) || "[]");
  for (const text of said) {
    details.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: text }));
  }
  details.hidden = said.length === 0;
});

if (!window.isSecureContext) {
  all("#insecure-login-warning").forEach((warning) => {
    warning.hidden = false;
  });
}
