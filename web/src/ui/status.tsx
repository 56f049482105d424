/** Status and verdict of an execution: one icon, one colour, one word. COMPLETED with failed nodes never looks like a success. */
import {
  Ban,
  Check,
  CircleDashed,
  CirclePause,
  Hourglass,
  LoaderCircle,
  TriangleAlert,
  UserCheck,
  X,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge } from "./page";

export interface Outcome {
  status: string;
  verdict?: { result?: string } | null | Record<string, unknown>;
}

type Look = {
  tone: "neutral" | "ok" | "warn" | "bad" | "info" | "accent";
  icon: typeof Check;
  spin?: boolean;
};

const LOOKS: Record<string, Look> = {
  ok: { tone: "ok", icon: Check },
  errors: { tone: "bad", icon: TriangleAlert },
  left_waiting: { tone: "warn", icon: TriangleAlert },
  timed_out: { tone: "bad", icon: Hourglass },
  over_budget: { tone: "bad", icon: X },
  failed: { tone: "bad", icon: X },
  stopped: { tone: "warn", icon: Ban },
  QUEUED: { tone: "neutral", icon: Hourglass },
  INCOMPLETE: { tone: "neutral", icon: CircleDashed },
  RUNNING: { tone: "info", icon: LoaderCircle, spin: true },
  REVIEW: { tone: "accent", icon: UserCheck },
  COMPLETED: { tone: "ok", icon: Check },
  FAILED: { tone: "bad", icon: X },
  TERMINATED: { tone: "warn", icon: CirclePause },
};

/** The key of what an execution shows: its verdict when it has ended, else its status. */
export function outcomeKey({ status, verdict }: Outcome): string {
  const result = verdict && typeof verdict.result === "string" ? verdict.result : null;
  if (result && ["COMPLETED", "FAILED", "TERMINATED"].includes(status)) return result;
  if (status === "FAILED") return "failed";
  if (status === "TERMINATED") return "stopped";
  return status;
}

export function StatusBadge(props: Outcome & { className?: string }) {
  const { t } = useTranslation();
  const key = outcomeKey(props);
  const look = LOOKS[key] ?? { tone: "neutral", icon: CircleDashed };
  const Icon = look.icon;
  return (
    <Badge tone={look.tone} className={props.className}>
      <Icon className={look.spin ? "size-3.5 animate-spin" : "size-3.5"} aria-hidden />
      {t(`outcome.${key}`, { defaultValue: key })}
    </Badge>
  );
}
