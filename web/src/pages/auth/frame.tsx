import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Logo } from "../../app/Logo";
import { choose, LANGUAGES, type Language } from "../../i18n";
import { useTitle } from "../../ui/page";

/** The frame of the pages before the log-in. */
export function Frame({
  title,
  text,
  children,
  below,
}: Record<"title", string> & Partial<Record<"text" | "children" | "below", ReactNode>>) {
  const { t, i18n } = useTranslation("auth");
  useTitle(title);
  return (
    <div className="flex min-h-full flex-col bg-ground">
      <header className="flex items-center justify-between p-5">
        <Logo />
        <label className="text-sm">
          <span className="sr-only">{t("common:language")}</span>
          <select
            className="rounded-lg border bg-panel px-2 py-1 text-sm"
            value={i18n.language}
            onChange={(event) => choose(event.target.value as Language)}
          >
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <option key={code} value={code} lang={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      <main className="flex flex-1 items-start justify-center px-4 pt-[8vh] pb-16">
        <div className="w-full max-w-sm">
          <div className="rounded-2xl border bg-panel p-7 shadow-panel">
            <h1 className="text-xl font-semibold">{title}</h1>
            {text && <p className="mt-1.5 text-sm text-muted">{text}</p>}
            <div className="mt-6">{children}</div>
          </div>
          {below && <p className="mt-5 text-center text-sm text-muted">{below}</p>}
        </div>
      </main>
    </div>
  );
}

/** The secret of a mailed link is behind the #, which no server and no log sees. */
export function secretOfLink(): string {
  return new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
}
