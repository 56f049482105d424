/** Why a run that ended is no success: which nodes failed and with what, which never ran and what they lacked. */
import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { RunState } from "../../runs/model";
import { Button } from "../../ui/button";

interface Verdict {
  result?: string;
  errors?: number;
  failed?: { node: string; code?: string; message?: string }[];
  waiting?: { node: string; pins?: string[]; reason?: string }[];
  by?: string;
  reason?: string;
  failure?: { message?: string };
}

export function VerdictCard(props: {
  run: RunState;
  titles: ReadonlyMap<string, string>;
  onSelect: (nodeId: string) => void;
}) {
  const { t } = useTranslation("runs");
  const verdict = props.run.verdict as Verdict | null;
  if (!verdict?.result || verdict.result === "ok") return null;
  const name = (node: string) => props.titles.get(node) ?? node.slice(0, 8);
  return (
    <div role="alert" className="flex gap-3 rounded-2xl border border-bad/40 bg-bad-soft p-4 text-sm">
      <TriangleAlert className="mt-0.5 size-5 shrink-0 text-bad" aria-hidden />
      <div className="flex min-w-0 flex-col gap-2">
        <p className="font-semibold">{t(`common:outcome.${verdict.result}`)}</p>
        {(verdict.failure?.message ?? verdict.reason) && <p>{verdict.failure?.message ?? verdict.reason}</p>}
        {verdict.failed?.map((each, index) => (
          <div key={index} className="min-w-0">
            <Button small onClick={() => props.onSelect(each.node)}>
              {t("run.failedNode", { node: name(each.node) })}
            </Button>
            <p className="mt-1 break-words whitespace-pre-wrap">{each.message}</p>
          </div>
        ))}
        {verdict.waiting?.map((each, index) => (
          <p key={index}>
            {t("run.neverRan", {
              node: name(each.node),
              reason: [each.reason, each.pins?.join(", ")].filter(Boolean).join(" · "),
            })}
          </p>
        ))}
      </div>
    </div>
  );
}
