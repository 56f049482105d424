/** What a page shows when it has nothing, not yet anything, or something went wrong. */
import { CircleAlert, CloudOff, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, OfflineError } from "../api/client";
import { cn } from "../lib/cn";
import { Button } from "./button";

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-lg bg-sunken", className)} />;
}

/** Rows of a list that is on its way; says so to screen readers. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" className="flex flex-col gap-2.5">
      <span className="sr-only">{t("loading")}</span>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} className="h-12" />
      ))}
    </div>
  );
}

export function Empty(props: { icon?: ReactNode; title: string; text?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 rounded-2xl border border-dashed border-line-strong px-6 py-14 text-center">
      {props.icon && <div className="text-muted [&>svg]:size-9">{props.icon}</div>}
      <h2 className="text-base font-semibold">{props.title}</h2>
      {props.text && <p className="max-w-md text-sm text-muted">{props.text}</p>}
      {props.action}
    </div>
  );
}

/** What went wrong, in the edge's own words, with the remedy and the number to ask about. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const offline = error instanceof OfflineError;
  const problem = error instanceof ApiError ? error.problem : null;
  return (
    <div role="alert" className="flex gap-3 rounded-xl border border-bad/40 bg-bad-soft p-4 text-sm">
      {offline ? (
        <CloudOff className="mt-0.5 size-5 shrink-0 text-bad" />
      ) : (
        <CircleAlert className="mt-0.5 size-5 shrink-0 text-bad" />
      )}
      <div className="flex min-w-0 flex-col gap-1.5">
        <p className="font-semibold">{offline ? t("offline.title") : (problem?.title ?? t("failed"))}</p>
        <p className="break-words">{offline ? t("offline.text") : messageOf(error)}</p>
        {problem?.problems && (
          <ul className="list-disc pl-5">
            {problem.problems.slice(0, 8).map((each, index) => (
              <li key={index}>
                {[each.node, each.pin ?? each.path, each.reason].filter(Boolean).join(": ")}
              </li>
            ))}
          </ul>
        )}
        {problem?.request_id && (
          <p className="text-xs text-muted">
            {t("request")} <code>{problem.request_id}</code>
          </p>
        )}
        {retry && (
          <Button small className="mt-1 self-start" icon={<RotateCw className="size-3.5" />} onClick={retry}>
            {t("retry")}
          </Button>
        )}
      </div>
    </div>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
