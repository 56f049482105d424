/** One run: what came out, what went wrong, the canvas of its version, when everything ran, and each record of it. */
import { useMutation } from "@tanstack/react-query";
import { Link2, Play, RotateCcw, Square } from "lucide-react";
import { Tabs } from "radix-ui";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { toast } from "sonner";
import { api, taken } from "../../api/client";
import { Waiting } from "../../app/App";
import { titleOf } from "../../canvas/flow";
import { useBlockMap } from "../../data/blocks";
import { useGraph } from "../../data/graphs";
import { dateTime, duration, money } from "../../lib/format";
import { elapsed, FINAL, type NodeRun, type RunState, summaries } from "../../runs/model";
import { reasonText } from "../../runs/reason";
import { useRun } from "../../runs/useRun";
import { Button } from "../../ui/button";
import { JsonView } from "../../ui/json";
import { Card, Page } from "../../ui/page";
import { Failure, Loading, messageOf } from "../../ui/states";
import { StatusBadge } from "../../ui/status";
import { useNow } from "../../ui/time";
import { Inspector } from "./Inspector";
import { Share } from "./Share";
import { Timeline } from "./Timeline";
import { VerdictCard } from "./VerdictCard";

const RunCanvas = lazy(() => import("../../canvas/RunCanvas").then((file) => ({ default: file.RunCanvas })));
const TABS = ["timeline", "canvas", "list"] as const;

export default function Run() {
  const { id = "" } = useParams();
  const { t } = useTranslation("runs");
  const { run, error, loading, refetch } = useRun(id);
  const graph = useGraph(run.graphId, run.graphVersion);
  const blocks = useBlockMap();
  const [chosen, choose] = useState<string | null>(null);
  const open = !FINAL.has(run.status);
  const now = useNow(open ? 1000 : null);
  const states = useMemo(() => summaries(run.nodes), [run.nodes]);
  const titles = useMemo(
    () => new Map(graph.data?.nodes.map((node) => [node.id ?? "", titleOf(node, blocks.get(node.block_id))])),
    [graph.data, blocks],
  );
  const nameOf = (node: { nodeId: string; blockId: string }) =>
    titles.get(node.nodeId) ?? blocks.get(node.blockId)?.name ?? node.nodeId.slice(0, 8);

  if (loading) return <Page title={t("title")}>{<Loading rows={6} />}</Page>;
  if (error)
    return (
      <Page title={t("title")}>
        <Failure error={error} retry={refetch} />
      </Page>
    );
  const reason = open ? reasonText(run.reason, now) : null;
  const runs = [...run.nodes.values()].sort((a, b) => (a.addedAt ?? 0) - (b.addedAt ?? 0));
  const selected = chosen ? run.nodes.get(chosen) : undefined;

  return (
    <Page
      wide
      title={t("run.title", { name: graph.data?.name ?? t("unknown") })}
      text={
        <span className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
          <StatusBadge status={run.status} verdict={run.verdict} />
          {reason && <span>{t(reason.key, reason.facts)}</span>}
          <span className="tabular-nums">{duration(elapsed(run.startedAt, run.endedAt, now))}</span>
          <span>{money(run.stats.cost_microusd as number | undefined)}</span>
          {run.graphVersion && <span>{t("run.version", { version: run.graphVersion })}</span>}
          {run.startedAt && <span>{dateTime(run.startedAt)}</span>}
          {run.dryRun && <span>{t("dry")}</span>}
        </span>
      }
      actions={<Actions run={run} />}
    >
      <div className="flex flex-col gap-5">
        <VerdictCard
          run={run}
          titles={titles}
          onSelect={(nodeId) => choose(states.get(nodeId)?.newest.id ?? null)}
        />
        <div className="grid gap-5 lg:grid-cols-2">
          <Card>
            <h2 className="mb-3 text-sm font-semibold">{t("run.outputs")}</h2>
            <Values values={run.outputs} none={t("run.noOutputs")} />
          </Card>
          <Card>
            <h2 className="mb-3 text-sm font-semibold">{t("run.inputs")}</h2>
            {Object.keys(run.inputs).length ? (
              <JsonView value={run.inputs} />
            ) : (
              <p className="text-sm text-muted">{t("run.noInputs")}</p>
            )}
          </Card>
        </div>
        <div className="grid gap-5 xl:grid-cols-[minmax(0,1fr)_26rem]">
          <Tabs.Root defaultValue="timeline">
            <Tabs.List aria-label={t("run.view")} className="mb-3 flex gap-1 border-b">
              {TABS.map((tab) => (
                <Tabs.Trigger
                  key={tab}
                  value={tab}
                  className="border-b-2 border-transparent px-3 py-2 text-sm text-muted data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
                >
                  {t(`run.${tab}`)}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Tabs.Content value="timeline">
              <Timeline runs={runs} nameOf={nameOf} now={now} chosen={chosen} onChoose={choose} />
            </Tabs.Content>
            <Tabs.Content value="canvas" className="h-[34rem] overflow-hidden rounded-2xl border">
              <Suspense fallback={<Waiting />}>
                {graph.data && (
                  <RunCanvas
                    graph={graph.data}
                    states={states}
                    onSelect={(nodeId) => choose(states.get(nodeId)?.newest.id ?? null)}
                  />
                )}
                {graph.isError && <Failure error={graph.error} />}
              </Suspense>
            </Tabs.Content>
            <Tabs.Content value="list">
              <NodeTable runs={runs} nameOf={nameOf} now={now} chosen={chosen} onChoose={choose} />
            </Tabs.Content>
          </Tabs.Root>
          <Card className="self-start">
            {selected ? (
              <Inspector node={selected} name={nameOf(selected)} now={now} executionId={run.id} />
            ) : (
              <p className="text-sm text-muted">{t("run.select")}</p>
            )}
          </Card>
        </div>
      </div>
    </Page>
  );
}

function Values({ values, none }: { values: Record<string, unknown[]>; none: string }) {
  const entries = Object.entries(values);
  if (entries.length === 0) return <p className="text-sm text-muted">{none}</p>;
  return (
    <dl className="flex flex-col gap-3">
      {entries.map(([name, all]) => (
        <div key={name}>
          <dt className="mb-1 text-xs font-medium text-muted">{name}</dt>
          <dd>
            <JsonView value={all.length === 1 ? all[0] : all} className="font-sans text-sm" />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Actions({ run }: { run: RunState }) {
  const { t } = useTranslation("runs");
  const go = useNavigate();
  const [sharing, share] = useState(false);
  const path = { path: { execution_id: run.id } };
  const told = { onError: (error: Error) => toast.error(messageOf(error)) };
  const stop = useMutation({
    mutationFn: () =>
      taken(api.POST("/api/v1/executions/{execution_id}/stop", { params: path, body: {} as never })),
    onSuccess: () => toast(t("run.stopping")),
    ...told,
  });
  const again = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/executions/{execution_id}/retry", { params: path, body: {} })),
    onSuccess: (made) => void go(`/runs/${made.id}`),
    ...told,
  });
  if (!FINAL.has(run.status))
    return (
      <Button
        look="danger"
        icon={<Square className="size-4" />}
        busy={stop.isPending}
        onClick={() => stop.mutate()}
      >
        {t("run.stop")}
      </Button>
    );
  return (
    <>
      <Button icon={<Link2 className="size-4" />} onClick={() => share(true)}>
        {t("run.share")}
      </Button>
      <Button icon={<RotateCcw className="size-4" />} busy={again.isPending} onClick={() => again.mutate()}>
        {t("run.again")}
      </Button>
      {run.graphId && (
        <Link
          to={`/build/${run.graphId}`}
          className="inline-flex h-9 items-center gap-2 rounded-lg border border-transparent bg-accent px-3.5 text-sm font-medium text-on-accent hover:bg-accent-strong"
        >
          <Play className="size-4" />
          {t("common:edit")}
        </Link>
      )}
      <Share executionId={run.id} open={sharing} onOpenChange={share} />
    </>
  );
}

export interface RunsProps {
  runs: NodeRun[];
  nameOf: (node: NodeRun) => string;
  now: number;
  chosen: string | null;
  onChoose: (id: string) => void;
}

function NodeTable({ runs, nameOf, now, chosen, onChoose }: RunsProps) {
  const { t } = useTranslation("runs");
  return (
    <div className="max-h-[34rem] overflow-auto rounded-2xl border bg-panel">
      <table className="w-full text-sm">
        <thead className="sticky top-0 border-b bg-panel text-left text-xs text-muted">
          <tr className="[&>th]:px-3 [&>th]:py-2 [&>th]:font-medium">
            <th>{t("run.node")}</th>
            <th>{t("run.status")}</th>
            <th className="max-sm:hidden">{t("run.waited")}</th>
            <th>{t("run.worked")}</th>
          </tr>
        </thead>
        <tbody className="divide-y">
          {runs.map((run) => (
            <tr key={run.id} className={run.id === chosen ? "bg-accent-soft" : "hover:bg-sunken/60"}>
              <td className="px-3 py-2">
                <button
                  type="button"
                  className="text-left font-medium hover:underline"
                  onClick={() => onChoose(run.id)}
                >
                  {nameOf(run)}
                </button>
              </td>
              <td className="px-3 py-2">
                <StatusBadge status={run.status} />
              </td>
              <td className="px-3 py-2 tabular-nums max-sm:hidden">
                {duration(elapsed(run.addedAt, run.startedAt, now))}
              </td>
              <td className="px-3 py-2 tabular-nums">{duration(elapsed(run.startedAt, run.endedAt, now))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
