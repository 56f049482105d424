/** Ctrl+K: go anywhere, find an agent or a run, switch the theme. */
import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { BookOpen, Moon, Play, Sun, Workflow } from "lucide-react";
import { Dialog } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { tinykeys } from "tinykeys";
import { create } from "zustand";
import { api, taken } from "../api/client";
import { StatusBadge } from "../ui/status";
import { Time } from "../ui/time";
import { PLACES, SETTINGS } from "./nav";
import { useTheme } from "./theme";

interface Shown {
  shown: boolean;
  open: () => void;
  set: (shown: boolean) => void;
}

export const useCommands = create<Shown>((set) => ({
  shown: false,
  open: () => set({ shown: true }),
  set: (shown) => set({ shown }),
}));

export function CommandMenu() {
  const { t } = useTranslation();
  const { shown, set } = useCommands();
  const [text, type] = useState("");
  const go = useNavigate();
  const theme = useTheme();
  useEffect(
    () =>
      tinykeys(window, {
        "$mod+k": (event) => {
          event.preventDefault();
          set(!useCommands.getState().shown);
        },
      }),
    [set],
  );
  const agents = useQuery({
    queryKey: ["graphs", "commands"],
    queryFn: () => taken(api.GET("/api/v1/graphs", { params: { query: { limit: 50 } } })),
    enabled: shown,
  });
  const runs = useQuery({
    queryKey: ["executions", "commands"],
    queryFn: () => taken(api.GET("/api/v1/executions", { params: { query: { limit: 10 } } })),
    enabled: shown,
  });
  const leave = (action: () => void) => () => {
    set(false);
    type("");
    action();
  };
  const names = new Map(agents.data?.items.map((each) => [each.id, each.name]));
  return (
    <Dialog.Root open={shown} onOpenChange={set}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[14vh] left-1/2 z-50 w-[min(94vw,38rem)] -translate-x-1/2 overflow-hidden rounded-2xl border bg-raised shadow-panel"
        >
          <Dialog.Title className="sr-only">{t("commands.title")}</Dialog.Title>
          <Command label={t("commands.title")} loop>
            <Command.Input
              value={text}
              onValueChange={type}
              placeholder={t("commands.ask")}
              className="h-12 w-full border-b bg-transparent px-4 text-sm outline-none placeholder:text-muted"
            />
            <Command.List className="max-h-[55vh] overflow-y-auto p-2">
              <Command.Empty className="p-4 text-sm text-muted">{t("commands.none")}</Command.Empty>
              <Group title={t("commands.pages")}>
                {[...PLACES, ...SETTINGS].map(({ to, name, icon: Icon }) => (
                  <Line key={to} onSelect={leave(() => void go(to))} icon={<Icon className="size-4" />}>
                    {t(name)}
                  </Line>
                ))}
                <Line icon={<BookOpen className="size-4" />} onSelect={leave(() => location.assign("/docs"))}>
                  {t("commands.docs")}
                </Line>
              </Group>
              <Group title={t("nav.agents")}>
                {agents.data?.items.map((each) => (
                  <Line
                    key={each.id}
                    value={`${each.name} ${each.id}`}
                    icon={<Workflow className="size-4" />}
                    onSelect={leave(() => void go(`/agents?agent=${each.id}`))}
                  >
                    {each.name}
                  </Line>
                ))}
              </Group>
              <Group title={t("commands.latest")}>
                {runs.data?.items.map((each) => (
                  <Line
                    key={each.id}
                    value={`run ${names.get(each.graph_id ?? "") ?? ""} ${each.id}`}
                    icon={<Play className="size-4" />}
                    onSelect={leave(() => void go(`/runs/${each.id}`))}
                  >
                    <span className="truncate">{names.get(each.graph_id ?? "") ?? each.id.slice(0, 8)}</span>
                    <StatusBadge status={each.status} verdict={each.verdict} />
                    <span className="ml-auto text-xs text-muted">
                      <Time at={each.created_at} />
                    </span>
                  </Line>
                ))}
              </Group>
              <Group title={t("theme.title")}>
                <Line icon={<Moon className="size-4" />} onSelect={leave(() => theme.choose("dark"))}>
                  {t("theme.dark")}
                </Line>
                <Line icon={<Sun className="size-4" />} onSelect={leave(() => theme.choose("light"))}>
                  {t("theme.light")}
                </Line>
              </Group>
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={title}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted"
    >
      {children}
    </Command.Group>
  );
}

function Line(props: { value?: string; icon: ReactNode; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item
      {...(props.value ? { value: props.value } : {})}
      onSelect={props.onSelect}
      className="flex cursor-pointer items-center gap-2.5 rounded-lg px-2.5 py-2 text-sm data-[selected=true]:bg-sunken"
    >
      {props.icon}
      {props.children}
    </Command.Item>
  );
}
