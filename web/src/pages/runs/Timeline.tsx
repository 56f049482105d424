/** When each node run waited and worked: a bar each, drawn only for the rows in sight. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../../lib/cn";
import { duration } from "../../lib/format";
import type { RunsProps } from "./Run";

const ROW = 34;
const BARS: Record<string, string> = {
  COMPLETED: "bg-ok",
  FAILED: "bg-bad",
  RUNNING: "bg-info",
  REVIEW: "bg-accent",
  TERMINATED: "bg-warn",
};

export function Timeline({ runs, nameOf, now, chosen, onChoose }: RunsProps) {
  const { t } = useTranslation("runs");
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the list is drawn anew with each event anyway
  const rows = useVirtualizer({
    count: runs.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const begin = Math.min(...runs.map((run) => run.addedAt ?? now), now);
  const end = Math.max(...runs.map((run) => run.endedAt ?? now), begin + 1);
  const share = (at: number) => `${((at - begin) / (end - begin)) * 100}%`;
  return (
    <div
      ref={box}
      className="max-h-[34rem] overflow-auto rounded-2xl border bg-panel"
      role="list"
      aria-label={t("run.timeline")}
    >
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((row) => {
          const run = runs[row.index];
          if (!run) return null;
          const from = run.addedAt ?? begin;
          const began = run.startedAt ?? run.endedAt ?? now;
          const to = run.endedAt ?? (run.startedAt ? now : began);
          const label = `${nameOf(run)}: ${duration(began - from)} ${t("run.waited")}, ${duration(to - began)} ${t("run.worked")}`;
          return (
            <div
              key={run.id}
              role="listitem"
              style={{ position: "absolute", top: row.start, height: ROW, left: 0, right: 0 }}
              className={cn("flex border-b", run.id === chosen && "bg-accent-soft")}
            >
              <button
                type="button"
                title={label}
                aria-label={label}
                onClick={() => onChoose(run.id)}
                className="flex w-full items-center hover:bg-sunken/60"
              >
                <span className="w-40 shrink-0 truncate px-3 text-left text-xs sm:w-52">{nameOf(run)}</span>
                <span className="relative h-full flex-1">
                  <span
                    className="absolute top-[15px] h-1 rounded bg-line-strong/60"
                    style={{ left: share(from), width: `calc(${share(began)} - ${share(from)})` }}
                  />
                  <span
                    className={cn(
                      "absolute top-2.5 h-3.5 min-w-[3px] rounded",
                      BARS[run.status] ?? "bg-line-strong",
                    )}
                    style={{ left: share(began), width: `calc(${share(to)} - ${share(began)})` }}
                  />
                </span>
                <span className="w-20 shrink-0 px-2 text-right text-xs text-muted tabular-nums">
                  {duration(to - began)}
                </span>
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}
