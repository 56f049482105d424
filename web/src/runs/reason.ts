/** Why something has not ended, as the key of a text and what is put into it. */
import type { Reason } from "./model";
import { duration } from "../lib/format";

export function reasonText(
  reason: Reason | null,
  now: number,
): { key: string; facts: Record<string, unknown> } | null {
  if (!reason || reason.kind === "running") return null;
  const due = Number(reason.until ?? reason.at);
  const pins = ((reason.pins ?? reason.missing ?? []) as unknown[]).join(", ");
  return {
    key: `reason.${reason.kind}`,
    facts: {
      ...reason,
      pins,
      left: Number.isFinite(due) ? duration(Math.max(0, due - now)) : "",
      place: reason.place ?? "?",
      error: typeof reason.error === "string" ? reason.error : "",
    },
  };
}
