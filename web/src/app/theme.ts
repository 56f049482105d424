import { create } from "zustand";

export type Theme = "light" | "dark" | "system";

function read(): Theme {
  const kept = localStorage.getItem("millstream.theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function apply(theme: Theme): boolean {
  const dark = theme === "dark" || (theme === "system" && prefersDark.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  return dark;
}

interface State {
  theme: Theme;
  dark: boolean;
  choose: (theme: Theme) => void;
}

/** What was chosen, and what that comes to now. */
export const useTheme = create<State>((set) => ({
  theme: read(),
  dark: apply(read()),
  choose: (theme) => {
    localStorage.setItem("millstream.theme", theme);
    set({ theme, dark: apply(theme) });
  },
}));

prefersDark.addEventListener("change", () => {
  const { theme } = useTheme.getState();
  if (theme === "system") useTheme.setState({ dark: apply(theme) });
});
