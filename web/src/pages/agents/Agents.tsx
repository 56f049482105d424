/** The agents of the account: run, edit, bring in, take out. */
import {
  Download,
  FileUp,
  LayoutTemplate,
  MoreHorizontal,
  Pencil,
  Play,
  Plus,
  Search,
  Trash2,
  Workflow,
} from "lucide-react";
import { useDeferredValue, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { toast } from "sonner";
import { api, taken } from "../../api/client";
import { type GraphHead, useCreateGraph, useDeleteGraph, useGraphs } from "../../data/graphs";
import { Button, IconButton } from "../../ui/button";
import { Input } from "../../ui/field";
import { Confirm, Dialog, Menu, MenuItem, MenuLine } from "../../ui/overlay";
import { Badge, Page } from "../../ui/page";
import { Empty, Failure, Loading, messageOf } from "../../ui/states";
import { Time } from "../../ui/time";
import { RunDialog } from "./RunDialog";
import { TEMPLATES } from "./templates";

export default function Agents() {
  const { t } = useTranslation("agents");
  const graphs = useGraphs();
  const create = useCreateGraph();
  const go = useNavigate();
  const [query, setQuery] = useSearchParams();
  const [text, setText] = useState("");
  const [templates, showTemplates] = useState(false);
  const wanted = useDeferredValue(text.trim().toLowerCase());
  const fileId = useId();
  const running = query.get("agent");
  const all = graphs.data?.pages.flatMap((page) => page.items) ?? [];
  const items = all.filter((each) => `${each.name} ${each.description}`.toLowerCase().includes(wanted));

  async function take(graph: unknown) {
    try {
      const made = await create.mutateAsync(graph);
      void go(`/build/${made.id}`);
    } catch (error) {
      toast.error(t("importFailed"), { description: messageOf(error), duration: Infinity });
    }
  }

  async function read(file: File | undefined) {
    if (!file) return;
    try {
      await take(JSON.parse(await file.text()));
    } catch {
      toast.error(t("noJson", { name: file.name }));
    }
  }

  const fresh = () => void take({ name: t("unnamed"), description: "", nodes: [], links: [] });
  const buttons = (
    <>
      <Button icon={<FileUp className="size-4" />} onClick={() => document.getElementById(fileId)?.click()}>
        {t("import")}
      </Button>
      <Button icon={<LayoutTemplate className="size-4" />} onClick={() => showTemplates(true)}>
        {t("template")}
      </Button>
      <Button look="primary" icon={<Plus className="size-4" />} busy={create.isPending} onClick={fresh}>
        {t("new")}
      </Button>
    </>
  );
  return (
    <Page title={t("title")} text={t("text")} actions={buttons}>
      <input
        id={fileId}
        type="file"
        accept="application/json,.json"
        className="hidden"
        aria-label={t("import")}
        onChange={(event) => {
          void read(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      {graphs.isPending ? (
        <Loading />
      ) : graphs.isError ? (
        <Failure error={graphs.error} retry={() => void graphs.refetch()} />
      ) : all.length === 0 ? (
        <Empty
          icon={<Workflow />}
          title={t("empty.title")}
          text={t("empty.text")}
          action={<div className="flex flex-wrap justify-center gap-2">{buttons}</div>}
        />
      ) : (
        <>
          <div className="relative mb-4 max-w-sm">
            <Search className="absolute top-2.5 left-3 size-4 text-muted" aria-hidden />
            <Input
              className="pl-9"
              type="search"
              aria-label={t("search")}
              placeholder={t("search")}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
          <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
            {items.map((each) => (
              <AgentCard key={each.id} agent={each} onRun={() => setQuery({ agent: each.id })} />
            ))}
          </ul>
          {items.length === 0 && <p className="py-8 text-sm text-muted">{t("nothing", { text })}</p>}
          {graphs.hasNextPage && (
            <Button
              className="mt-4"
              busy={graphs.isFetchingNextPage}
              onClick={() => void graphs.fetchNextPage()}
            >
              {t("common:loadMore")}
            </Button>
          )}
        </>
      )}
      {running && <RunDialog graphId={running} open onOpenChange={() => setQuery({})} />}
      <Dialog
        wide
        open={templates}
        onOpenChange={showTemplates}
        title={t("template")}
        description={t("templateText")}
      >
        <ul className="grid gap-3 sm:grid-cols-2">
          {TEMPLATES.map((each) => (
            <li key={each.name}>
              <button
                type="button"
                disabled={create.isPending}
                className="h-full w-full rounded-xl border p-4 text-left hover:border-accent hover:bg-sunken"
                onClick={() => void take(each.graph)}
              >
                <span className="font-medium">{each.name}</span>
                <span className="mt-1 block text-sm text-muted">{each.description}</span>
              </button>
            </li>
          ))}
        </ul>
      </Dialog>
    </Page>
  );
}

function AgentCard({ agent, onRun }: { agent: GraphHead; onRun: () => void }) {
  const { t } = useTranslation("agents");
  const [asking, ask] = useState(false);
  const remove = useDeleteGraph();
  const go = useNavigate();

  async function download() {
    const path = { graph_id: agent.id };
    const graph = await taken(
      api.GET("/api/v1/graphs/{graph_id}", { params: { path, query: { for_export: true } } }),
    );
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(graph, null, 2)], { type: "application/json" }));
    link.download = `${agent.name.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "agent"}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <li className="flex flex-col gap-3 rounded-2xl border bg-panel p-5 shadow-panel">
      <div className="flex items-start justify-between gap-2">
        <Link to={`/build/${agent.id}`} className="min-w-0 font-semibold break-words hover:underline">
          {agent.name}
        </Link>
        <Menu
          trigger={
            <IconButton
              small
              label={t("actions", { name: agent.name })}
              icon={<MoreHorizontal className="size-4" />}
            />
          }
        >
          <MenuItem onSelect={() => void go(`/runs?agent=${agent.id}`)}>
            <Play className="size-4" /> {t("itsRuns")}
          </MenuItem>
          <MenuItem onSelect={() => void download().catch((error: unknown) => toast.error(messageOf(error)))}>
            <Download className="size-4" /> {t("export")}
          </MenuItem>
          <MenuLine />
          <MenuItem danger onSelect={() => ask(true)}>
            <Trash2 className="size-4" /> {t("common:delete")}
          </MenuItem>
        </Menu>
      </div>
      <p className="line-clamp-3 min-h-10 flex-1 text-sm text-muted">
        {agent.description || t("noDescription")}
      </p>
      <div className="flex items-center gap-2 text-xs text-muted">
        <Badge>v{agent.version}</Badge>
        {agent.draft && <Badge tone="warn">{t("draft")}</Badge>}
        <Time at={agent.created_at} />
      </div>
      <div className="flex gap-2">
        <Button small look="primary" icon={<Play className="size-3.5" />} onClick={onRun}>
          {t("run.do")}
        </Button>
        <Button small icon={<Pencil className="size-3.5" />} onClick={() => void go(`/build/${agent.id}`)}>
          {t("common:edit")}
        </Button>
      </div>
      <Confirm
        open={asking}
        onOpenChange={ask}
        title={t("delete.title", { name: agent.name })}
        text={t("delete.text")}
        action={t("common:delete")}
        busy={remove.isPending}
        onConfirm={() =>
          remove.mutate(agent.id, {
            onSuccess: () => toast.success(t("delete.done", { name: agent.name })),
            onError: (error) => toast.error(messageOf(error)),
          })
        }
      />
    </li>
  );
}
