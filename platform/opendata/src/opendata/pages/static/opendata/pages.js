// Behaviour of the pages: theme, copying, and reading values off a plot. All of it is optional.
"use strict";

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("km3-theme", root.dataset.theme);
  } catch {
    // The choice is for this page only, then.
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = button.parentElement.querySelector("code, .citation");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // Without the permission to copy, select the text for the keyboard.
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

// "/" goes to the search field, as on other sites of this kind.
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("q");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && field && !typing) {
    event.preventDefault();
    field.focus();
  }
});

// On a phone the facets would push the results off the screen.
if (matchMedia("(max-width: 56rem)").matches) {
  for (const facet of document.querySelectorAll("details.facet")) facet.open = false;
}
