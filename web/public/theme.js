// Before the first paint, or a dark page flashes white.
(() => {
  const chosen = localStorage.getItem("millstream.theme") || "system";
  const dark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
