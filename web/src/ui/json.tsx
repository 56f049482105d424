/** A value as a tree that opens step by step, or raw. Text stays text: nothing of it is ever taken for HTML. */
import { Check, ChevronRight, Copy } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../lib/cn";
import { IconButton } from "./button";

const AT_ONCE = 100;
const LONG_TEXT = 2000;

export function CopyButton({ text, label }: { text: () => string; label?: string }) {
  const { t } = useTranslation();
  const [done, set] = useState(false);
  return (
    <IconButton
      small
      label={label ?? t("copy")}
      icon={done ? <Check className="size-3.5 text-ok" /> : <Copy className="size-3.5" />}
      onClick={() => {
        void navigator.clipboard.writeText(text());
        set(true);
        setTimeout(() => set(false), 1500);
      }}
    />
  );
}

export function JsonView({ value, className }: { value: unknown; className?: string }) {
  return (
    <div className={cn("relative overflow-auto rounded-lg bg-sunken p-3 pr-10 font-mono text-xs", className)}>
      <div className="absolute top-1.5 right-1.5">
        <CopyButton text={() => (typeof value === "string" ? value : JSON.stringify(value, null, 2))} />
      </div>
      <Branch value={value} depth={0} />
    </div>
  );
}

function Branch({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const { t } = useTranslation();
  const [open, set] = useState(depth < 2);
  const [shown, show] = useState(AT_ONCE);
  const label = name === undefined ? null : <span className="text-muted">{name}: </span>;
  if (typeof value !== "object" || value === null)
    return (
      <div className="break-words whitespace-pre-wrap">
        {label}
        <Leaf value={value} />
      </div>
    );
  const entries = Object.entries(value);
  const list = Array.isArray(value);
  if (entries.length === 0)
    return (
      <div>
        {label}
        {list ? "[ ]" : "{ }"}
      </div>
    );
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => set(!open)}
        className="flex items-center rounded"
      >
        <ChevronRight className={cn("size-3.5 shrink-0", open && "rotate-90")} aria-hidden />
        {label}
        <span className="text-muted">{list ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </button>
      {open && (
        <div className="ml-1.5 border-l pl-3">
          {entries.slice(0, shown).map(([key, each]) => (
            <Branch key={key} name={key} value={each} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button
              type="button"
              className="text-accent underline"
              onClick={() => show(shown + 10 * AT_ONCE)}
            >
              {t("loadMore")} ({entries.length - shown})
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Leaf({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const [all, show] = useState(false);
  if (typeof value !== "string")
    return <span className={value === null ? "text-muted" : "text-info"}>{String(value)}</span>;
  const cut = value.length > LONG_TEXT && !all;
  return (
    <span>
      {cut ? value.slice(0, LONG_TEXT) : value}
      {cut && (
        <button type="button" className="ml-1 text-accent underline" onClick={() => show(true)}>
          … {t("loadMore")}
        </button>
      )}
    </span>
  );
}
