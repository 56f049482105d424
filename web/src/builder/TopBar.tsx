/** What can be done with the whole graph. */
import { useQuery } from "@tanstack/react-query";
import {
  ChevronDown,
  CircleCheck,
  History,
  LayoutGrid,
  List,
  Play,
  Redo2,
  Save,
  Square,
  TriangleAlert,
  Undo2,
  X,
} from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { toast } from "sonner";
import { useStore } from "zustand";
import { api, ApiError, taken } from "../api/client";
import { useGraph } from "../data/graphs";
import { duration, money } from "../lib/format";
import { RunPanel } from "./RunPanel";
import { elapsed, FINAL, type RunState } from "../runs/model";
import { Button, IconButton } from "../ui/button";
import { Dialog, Menu, MenuItem } from "../ui/overlay";
import { Badge } from "../ui/page";
import { Failure, Loading, messageOf } from "../ui/states";
import { StatusBadge } from "../ui/status";
import { Time, useNow } from "../ui/time";
import { DifferenceView } from "./DifferenceView";
import { type Draft, draftFrom, useBuilder } from "./store";

export interface TopBarProps {
  graphId: string;
  version: number;
  dirty: boolean;
  saving: boolean;
  error: unknown;
  problems: { node: string | null; text: string }[];
  list: boolean;
  onList: () => void;
  onSave: () => Promise<boolean>;
  onArrange: () => void;
  onGo: (node: string) => void;
  onRun: (runId: string) => void;
  onRestore: (draft: Draft) => void;
  runId: string | null;
  runBar: RunState | null;
}

export function TopBar(props: TopBarProps) {
  const { t } = useTranslation("builder");
  const name = useBuilder((state) => state.name);
  const { rename } = useBuilder.getState();
  const past = useStore(useBuilder.temporal, (state) => state.pastStates.length);
  const future = useStore(useBuilder.temporal, (state) => state.futureStates.length);
  const { undo, redo } = useBuilder.temporal.getState();
  const [asking, ask] = useState(false);
  const [versions, showVersions] = useState(false);
  const conflict = props.error instanceof ApiError && props.error.problem.status === 412;
  return (
    <div className="border-b bg-panel">
      <div className="flex flex-wrap items-center gap-1.5 px-3 py-2">
        <input
          aria-label={t("agentName")}
          value={name}
          onChange={(event) => rename({ name: event.target.value })}
          className="h-8 min-w-0 flex-1 rounded-lg border border-transparent bg-transparent px-2 font-semibold hover:border-line-strong sm:max-w-72"
        />
        <Badge tone={props.dirty ? "warn" : "neutral"}>
          {props.dirty ? t("unsaved") : `v${props.version}`}
        </Badge>
        <Problems problems={props.problems} onGo={props.onGo} />
        <div className="ml-auto flex items-center gap-0.5">
          <IconButton
            label={t("undo")}
            icon={<Undo2 className="size-4" />}
            disabled={!past}
            onClick={() => undo()}
          />
          <IconButton
            label={t("redo")}
            icon={<Redo2 className="size-4" />}
            disabled={!future}
            onClick={() => redo()}
          />
          <IconButton
            label={t("arrange")}
            icon={<LayoutGrid className="size-4" />}
            onClick={props.onArrange}
          />
          <IconButton
            label={props.list ? t("asCanvas") : t("asList")}
            aria-pressed={props.list}
            icon={<List className="size-4" />}
            onClick={props.onList}
          />
          <IconButton
            label={t("versions.title")}
            icon={<History className="size-4" />}
            onClick={() => showVersions(true)}
          />
        </div>
        <Button
          id="builder-save"
          icon={<Save className="size-4" />}
          busy={props.saving}
          disabled={!props.dirty}
          onClick={() => void props.onSave()}
        >
          {t("common:save")}
        </Button>
        <Button
          look="primary"
          icon={<Play className="size-4" />}
          disabled={props.problems.length > 0}
          onClick={() =>
            void (props.dirty ? props.onSave() : Promise.resolve(true)).then((done) => done && ask(true))
          }
        >
          {t("run")}
        </Button>
      </div>
      {props.runBar && <RunBar run={props.runBar} />}
      {!!props.error && (
        <div className="px-3 pb-2">
          <Failure error={props.error} />
          {conflict && <Conflict graphId={props.graphId} onRestore={props.onRestore} />}
        </div>
      )}
      {asking && (
        <RunPanel
          graphId={props.graphId}
          onClose={() => ask(false)}
          onRun={(id) => {
            ask(false);
            props.onRun(id);
          }}
        />
      )}
      {versions && (
        <Versions graphId={props.graphId} onClose={() => showVersions(false)} onRestore={props.onRestore} />
      )}
    </div>
  );
}

function Problems({ problems, onGo }: Pick<TopBarProps, "problems" | "onGo">) {
  const { t } = useTranslation("builder");
  if (problems.length === 0)
    return (
      <span className="flex items-center gap-1 text-xs text-ok">
        <CircleCheck className="size-4" aria-hidden /> {t("noProblems")}
      </span>
    );
  return (
    <Menu
      align="start"
      trigger={
        <Button small look="danger" icon={<TriangleAlert className="size-3.5" />}>
          {t("problems", { count: problems.length })} <ChevronDown className="size-3.5" />
        </Button>
      }
    >
      {problems.map((each, index) => (
        <MenuItem key={index} onSelect={() => each.node && onGo(each.node)}>
          {each.text}
        </MenuItem>
      ))}
    </Menu>
  );
}

function RunBar({ run }: { run: RunState }) {
  const { t } = useTranslation("builder");
  const open = !FINAL.has(run.status);
  const now = useNow(open ? 500 : null);
  async function stop() {
    try {
      const params = { path: { execution_id: run.id } };
      await taken(api.POST("/api/v1/executions/{execution_id}/stop", { params, body: {} }));
    } catch (error) {
      toast.error(messageOf(error));
    }
  }
  return (
    <div role="status" className="flex flex-wrap items-center gap-3 border-t bg-ground px-3 py-1.5 text-sm">
      <StatusBadge status={run.status} verdict={run.verdict} />
      <span className="tabular-nums">{duration(elapsed(run.startedAt, run.endedAt, now))}</span>
      <span className="text-muted">{t("nodeRuns", { count: run.nodes.size })}</span>
      <span className="text-muted">{money(run.stats.cost_microusd as number | undefined)}</span>
      <Link className="font-medium text-accent hover:underline" to={`/runs/${run.id}`}>
        {t("openRun")}
      </Link>
      {open && (
        <Button small look="danger" icon={<Square className="size-3.5" />} onClick={() => void stop()}>
          {t("stop")}
        </Button>
      )}
      <Link className="ml-auto" to="?" aria-label={t("leaveRun")} title={t("leaveRun")}>
        <X className="size-4" />
      </Link>
    </div>
  );
}

/** Somebody else saved: what they did, and the choice. */
function Conflict({ graphId, onRestore }: { graphId: string; onRestore: (draft: Draft) => void }) {
  const { t } = useTranslation("builder");
  const theirs = useGraph(graphId, null);
  const mine = useBuilder();
  if (!theirs.data) return null;
  const saved = draftFrom(theirs.data);
  return (
    <div className="mt-2 rounded-xl border p-3">
      <p className="mb-2 text-sm">{t("conflict")}</p>
      <DifferenceView before={saved} now={mine} />
      <Button small className="mt-2" onClick={() => onRestore(saved)}>
        {t("takeTheirs")}
      </Button>
    </div>
  );
}

function Versions(props: { graphId: string; onClose: () => void; onRestore: (draft: Draft) => void }) {
  const { t } = useTranslation("builder");
  const [chosen, choose] = useState<number | null>(null);
  const all = useQuery({
    queryKey: ["graphs", props.graphId, "versions"],
    queryFn: () =>
      taken(api.GET("/api/v1/graphs/{graph_id}/versions", { params: { path: { graph_id: props.graphId } } })),
  });
  const old = useGraph(chosen ? props.graphId : null, chosen);
  const now = useBuilder();
  return (
    <Dialog
      wide
      open
      onOpenChange={props.onClose}
      title={t("versions.title")}
      description={t("versions.text")}
    >
      {all.isPending && <Loading rows={3} />}
      {all.isError && <Failure error={all.error} />}
      <div className="grid gap-4 sm:grid-cols-2">
        <ul className="max-h-96 overflow-auto">
          {all.data?.items.map((each) => (
            <li key={each.version}>
              <button
                type="button"
                aria-pressed={each.version === chosen}
                onClick={() => choose(each.version)}
                className="flex w-full items-center gap-2 rounded-lg px-3 py-2 text-left text-sm hover:bg-sunken aria-pressed:bg-accent-soft"
              >
                <span className="font-medium">v{each.version}</span>
                {each.is_active && <Badge tone="ok">{t("versions.active")}</Badge>}
                <span className="ml-auto text-xs text-muted">
                  <Time at={each.created_at} />
                </span>
              </button>
            </li>
          ))}
        </ul>
        <div className="flex flex-col gap-3">
          {!chosen && <p className="text-sm text-muted">{t("versions.choose")}</p>}
          {chosen && old.isPending && <Loading rows={2} />}
          {old.data && (
            <>
              <DifferenceView before={now} now={draftFrom(old.data)} />
              <Button
                look="primary"
                className="self-start"
                onClick={() => {
                  props.onRestore(draftFrom(old.data));
                  props.onClose();
                }}
              >
                {t("versions.restore", { version: chosen })}
              </Button>
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}
