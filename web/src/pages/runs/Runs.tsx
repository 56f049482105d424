/** All runs of the account, newest first, with filters that are in the address; live. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, taken } from "../../api/client";
import { socket } from "../../api/socket";
import { useGraphNames } from "../../data/graphs";
import { count, duration, money } from "../../lib/format";
import { elapsed, FINAL } from "../../runs/model";
import { reasonText } from "../../runs/reason";
import { Button } from "../../ui/button";
import { Select } from "../../ui/field";
import { Page } from "../../ui/page";
import { Empty, Failure, Loading } from "../../ui/states";
import { StatusBadge } from "../../ui/status";
import { Time, useNow } from "../../ui/time";

const FILTERS: [string, Record<string, string>][] = [
  ["all", {}],
  ["open", { status: "open" }],
  ["ok", { verdict: "ok" }],
  ["errors", { verdict: "errors" }],
  ["left_waiting", { verdict: "left_waiting" }],
  ["failed", { status: "FAILED" }],
  ["stopped", { status: "TERMINATED" }],
];
const OPEN = ["QUEUED", "RUNNING", "REVIEW"];
const GATHER_MS = 700;

export default function Runs() {
  const { t } = useTranslation("runs");
  const [query, setQuery] = useSearchParams();
  const names = useGraphNames();
  const queries = useQueryClient();
  const chosen = query.get("show") ?? "all";
  const agent = query.get("agent");
  const filter = FILTERS.find(([name]) => name === chosen)?.[1] ?? {};
  const runs = useInfiniteQuery({
    queryKey: ["executions", "list", chosen, agent],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      taken(
        api.GET("/api/v1/executions", {
          params: {
            query: {
              limit: 30,
              ...(filter.status ? { status: filter.status === "open" ? OPEN : [filter.status] } : {}),
              ...(filter.verdict ? { verdict: [filter.verdict] } : {}),
              ...(agent ? { graph_id: agent } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            } as never,
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const leave = socket.followAll((frame) => {
      if (frame.method !== "graph_execution_event") return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: ["executions", "list"] });
      }, GATHER_MS);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [queries]);

  const items = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const now = useNow(items.some((each) => !FINAL.has(each.status)) ? 1000 : null);
  const put = (name: string, value: string) =>
    setQuery((before) => {
      if (value) before.set(name, value);
      else before.delete(name);
      return before;
    });

  return (
    <Page
      title={t("title")}
      text={t("text")}
      actions={
        <>
          <Select
            aria-label={t("agent")}
            className="w-48"
            value={agent ?? ""}
            onChange={(event) => put("agent", event.target.value)}
          >
            <option value="">{t("everyAgent")}</option>
            {[...names].map(([id, name]) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
          <Select
            aria-label={t("show")}
            className="w-44"
            value={chosen}
            onChange={(event) => put("show", event.target.value === "all" ? "" : event.target.value)}
          >
            {FILTERS.map(([name]) => (
              <option key={name} value={name}>
                {t(`filter.${name}`)}
              </option>
            ))}
          </Select>
        </>
      }
    >
      {runs.isPending ? (
        <Loading rows={8} />
      ) : runs.isError ? (
        <Failure error={runs.error} retry={() => void runs.refetch()} />
      ) : items.length === 0 ? (
        <Empty
          icon={<Play />}
          title={t("empty.title")}
          text={t("empty.text")}
          action={
            <Link className="font-medium text-accent hover:underline" to="/agents">
              {t("empty.action")}
            </Link>
          }
        />
      ) : (
        <div className="overflow-x-auto rounded-2xl border bg-panel shadow-panel">
          <table className="w-full text-sm">
            <thead className="border-b text-left text-xs text-muted">
              <tr className="[&>th]:px-4 [&>th]:py-2.5 [&>th]:font-medium">
                <th>{t("agent")}</th>
                <th>{t("outcome")}</th>
                <th className="max-sm:hidden">{t("began")}</th>
                <th className="max-sm:hidden">{t("took")}</th>
                <th className="max-md:hidden">{t("nodes")}</th>
                <th className="max-md:hidden">{t("cost")}</th>
              </tr>
            </thead>
            <tbody className="divide-y">
              {items.map((run) => {
                const reason = FINAL.has(run.status) ? null : reasonText(run.reason as never, now);
                const took = elapsed(time(run.started_at), time(run.ended_at), now);
                const stats = run.stats as { node_exec_count?: number; cost_microusd?: number };
                return (
                  <tr key={run.id} className="hover:bg-sunken/60 [&>td]:px-4 [&>td]:py-2.5">
                    <td>
                      <Link to={`/runs/${run.id}`} className="font-medium hover:underline">
                        {names.get(run.graph_id ?? "") ?? t("unknown")}
                      </Link>
                      <div className="text-xs text-muted">
                        <code>{run.id.slice(-8)}</code>
                        {run.is_dry_run && ` · ${t("dry")}`}
                      </div>
                    </td>
                    <td>
                      <StatusBadge status={run.status} verdict={run.verdict} />
                      {reason && (
                        <div className="mt-0.5 text-xs text-muted">{t(reason.key, reason.facts)}</div>
                      )}
                    </td>
                    <td className="max-sm:hidden">
                      <Time at={run.created_at} />
                    </td>
                    <td className="tabular-nums max-sm:hidden">{duration(took)}</td>
                    <td className="tabular-nums max-md:hidden">{count(stats.node_exec_count ?? 0)}</td>
                    <td className="tabular-nums max-md:hidden">{money(stats.cost_microusd)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {runs.hasNextPage && (
        <Button className="mt-4" busy={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
          {t("common:loadMore")}
        </Button>
      )}
    </Page>
  );
}

function time(at: string | null): number | null {
  return at ? Date.parse(at) : null;
}
