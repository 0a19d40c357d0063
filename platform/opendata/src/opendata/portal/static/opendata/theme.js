// Runs before the page is drawn, so that a dark page does not flash white.
"use strict";
{
  let kept = null;
  try {
    kept = localStorage.getItem("km3-theme");
  } catch {
    // Storage may be blocked; use the system's preference.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = kept ?? (dark ? "dark" : "light");
}
