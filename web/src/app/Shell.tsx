/** The frame around all pages of people who are logged in. */
import { Languages, LogOut, Menu as Bars, Monitor, Moon, Search, Sun, UserRound, X } from "lucide-react";
import { Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useLocation } from "react-router";
import { type Me, useLogout } from "../api/session";
import { choose, LANGUAGES, type Language } from "../i18n";
import { cn } from "../lib/cn";
import { Button, IconButton } from "../ui/button";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../ui/overlay";
import { Waiting } from "./App";
import { CommandMenu, useCommands } from "./CommandMenu";
import { LinkBanner } from "./LinkBanner";
import { Logo } from "./Logo";
import { type Place, PLACES, SETTINGS } from "./nav";
import { type Theme, useTheme } from "./theme";

export function Shell({ me }: { me: Me }) {
  const { t } = useTranslation();
  const [shown, show] = useState(false);
  const openCommands = useCommands((state) => state.open);
  const wide = useLocation().pathname.startsWith("/build");
  return (
    <div className="flex h-full">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-panel focus:p-2"
      >
        {t("skip")}
      </a>
      <aside
        className={cn(
          "z-30 flex w-56 shrink-0 flex-col border-r bg-panel max-md:fixed max-md:inset-y-0 max-md:left-0",
          !shown && "max-md:hidden",
          wide && "lg:w-14 md:w-14",
        )}
      >
        <div className="flex h-14 items-center justify-between px-4">
          <Logo short={wide} />
          <IconButton
            className="md:hidden"
            label={t("close")}
            icon={<X className="size-4" />}
            onClick={() => show(false)}
          />
        </div>
        <nav aria-label={t("nav.main")} className="flex flex-1 flex-col gap-0.5 overflow-y-auto px-2">
          {PLACES.map((place) => (
            <Item key={place.to} place={place} short={wide} onGo={() => show(false)} />
          ))}
          <p className={cn("px-3 pt-5 pb-1 text-xs font-medium text-muted", wide && "md:sr-only")}>
            {t("nav.settings")}
          </p>
          {SETTINGS.map((place) => (
            <Item key={place.to} place={place} short={wide} onGo={() => show(false)} />
          ))}
        </nav>
        <div className="border-t p-2">
          <PersonMenu me={me} short={wide} />
        </div>
      </aside>
      {shown && (
        <button
          type="button"
          aria-label={t("close")}
          className="fixed inset-0 z-20 bg-black/40 md:hidden"
          onClick={() => show(false)}
        />
      )}
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex h-14 shrink-0 items-center gap-2 border-b bg-panel px-3 md:hidden">
          <IconButton label={t("nav.open")} icon={<Bars className="size-5" />} onClick={() => show(true)} />
          <Logo />
          <IconButton
            className="ml-auto"
            label={t("search")}
            icon={<Search className="size-4" />}
            onClick={openCommands}
          />
        </div>
        <LinkBanner />
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
          <Suspense fallback={<Waiting />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <CommandMenu />
    </div>
  );
}

function Item({ place, short, onGo }: { place: Place; short: boolean; onGo: () => void }) {
  const { t } = useTranslation();
  const Icon = place.icon;
  const name = t(place.name);
  return (
    <NavLink
      to={place.to}
      end={place.to === "/settings"}
      onClick={onGo}
      title={short ? name : undefined}
      className={({ isActive }) =>
        cn(
          "flex h-9 items-center gap-2.5 rounded-lg px-3 text-sm text-muted hover:bg-sunken hover:text-ink",
          isActive &&
            "bg-accent-soft font-medium text-accent-strong hover:bg-accent-soft hover:text-accent-strong",
          short && "md:justify-center md:px-0",
        )
      }
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className={cn(short && "md:sr-only")}>{name}</span>
    </NavLink>
  );
}

const THEMES: [Theme, typeof Sun][] = [
  ["light", Sun],
  ["dark", Moon],
  ["system", Monitor],
];

function PersonMenu({ me, short }: { me: Me; short: boolean }) {
  const { t, i18n } = useTranslation();
  const logout = useLogout();
  const theme = useTheme();
  const name = me.name || me.email;
  return (
    <Menu
      align="start"
      trigger={
        <Button look="quiet" className="w-full justify-start px-2" aria-label={t("nav.account", { name })}>
          <UserRound className="size-4 shrink-0" aria-hidden />
          <span className={cn("truncate", short && "md:hidden")}>{name}</span>
        </Button>
      }
    >
      <MenuLabel>{me.email}</MenuLabel>
      <MenuLine />
      <MenuLabel>{t("theme.title")}</MenuLabel>
      {THEMES.map(([each, Icon]) => (
        <MenuItem key={each} onSelect={() => theme.choose(each)}>
          <Icon className="size-4" /> {t(`theme.${each}`)}
          {theme.theme === each && <span className="ml-auto">✓</span>}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuLabel>{t("language")}</MenuLabel>
      {Object.entries(LANGUAGES).map(([code, language]) => (
        <MenuItem key={code} lang={code} onSelect={() => choose(code as Language)}>
          <Languages className="size-4" /> {language}
          {i18n.language === code && <span className="ml-auto">✓</span>}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem onSelect={() => logout.mutate()}>
        <LogOut className="size-4" /> {t("logout")}
      </MenuItem>
    </Menu>
  );
}
