/** Everything about one node run: why it waits, what it got, what it gave, what went wrong. */
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { dateTime, duration } from "../../lib/format";
import { elapsed, type NodeRun } from "../../runs/model";
import { reasonText } from "../../runs/reason";
import { CopyButton, JsonView } from "../../ui/json";
import { StatusBadge } from "../../ui/status";

export function Inspector(props: { node: NodeRun; name: string; now: number; executionId: string }) {
  const { t } = useTranslation("runs");
  const { node, now } = props;
  const reason = reasonText(node.reason, now);
  const failure = node.failure as { code?: string; message?: string; kind?: string } | null;
  return (
    <div className="flex flex-col gap-4">
      <div className="flex items-start justify-between gap-2">
        <h2 className="font-semibold break-words">{props.name}</h2>
        <StatusBadge status={node.status} />
      </div>
      {reason && <p className="text-sm text-muted">{t(reason.key, reason.facts)}</p>}
      {node.status === "REVIEW" && (
        <Link className="text-sm font-medium text-accent hover:underline" to="/approvals">
          {t("run.approve")}
        </Link>
      )}
      {(failure ?? node.error) && (
        <div role="alert" className="rounded-xl border border-bad/40 bg-bad-soft p-3 text-sm">
          <p className="font-semibold text-bad">{failure?.code ?? t("run.error")}</p>
          <p className="mt-1 break-words whitespace-pre-wrap">{failure?.message ?? node.error}</p>
        </div>
      )}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-1.5 text-sm">
        <dt className="text-muted">{t("run.waited")}</dt>
        <dd className="tabular-nums">
          {duration(elapsed(node.addedAt, node.startedAt ?? node.endedAt, now))}
        </dd>
        <dt className="text-muted">{t("run.worked")}</dt>
        <dd className="tabular-nums">{duration(elapsed(node.startedAt, node.endedAt, now))}</dd>
        {typeof node.stats?.attempt === "number" && (
          <>
            <dt className="text-muted">{t("run.attempt")}</dt>
            <dd>{node.stats.attempt}</dd>
          </>
        )}
        {node.startedAt && (
          <>
            <dt className="text-muted">{t("began")}</dt>
            <dd>{dateTime(node.startedAt)}</dd>
          </>
        )}
        <dt className="text-muted">Id</dt>
        <dd className="flex items-center gap-1">
          <code className="text-xs">{node.id.slice(0, 13)}…</code>
          <CopyButton text={() => node.id} />
        </dd>
      </dl>
      <section>
        <h3 className="mb-1.5 text-xs font-medium text-muted">{t("run.input")}</h3>
        <JsonView value={node.input} className="max-h-72" />
      </section>
      <section>
        <h3 className="mb-1.5 text-xs font-medium text-muted">{t("run.output")}</h3>
        <JsonView value={node.output} className="max-h-96" />
      </section>
    </div>
  );
}
