// Behaviour of the pages: theme, copying, keys and forms. Pages work without it.
"use strict";

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("km3-theme", root.dataset.theme);
  } catch {
    // Without storage the choice holds for this page only.
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = button.parentElement.querySelector("code, .citation");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // Without permission to copy, select the text so that the visitor can.
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

// "/" focuses the search field.
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("q");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && field && !typing) {
    event.preventDefault();
    field.focus();
  }
});

// On a phone, open facets would push the results off the screen.
if (matchMedia("(max-width: 56rem)").matches) {
  for (const facet of document.querySelectorAll("details.facet")) facet.open = false;
}

// Add a row to a form; without scripts the button sends the form, and the portal adds the row.
for (const rows of document.querySelectorAll("[data-rows]")) {
  const total = rows.querySelector("input[name$=TOTAL_FORMS]");
  rows.querySelector("[data-add]").addEventListener("click", (event) => {
    event.preventDefault();
    const number = Number(total.value);
    const holder = document.createElement("div");
    holder.innerHTML = rows.querySelector("template").innerHTML.replaceAll("__prefix__", number);
    const row = holder.firstElementChild;
    row.querySelector("legend").append(String(number + 1));
    total.value = number + 1;
    event.currentTarget.before(row);
    row.querySelector("select, input:not([type=hidden])").focus();
  });
}
