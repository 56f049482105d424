/** The builder: one agent, drawn. The address names what is open: /build/<agent>?run=<run>. */
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useBlocker, useParams, useSearchParams } from "react-router";
import { tinykeys } from "tinykeys";
import { toast } from "sonner";
import { Waiting } from "../../app/App";
import { Canvas } from "../../builder/Canvas";
import { DifferenceView } from "../../builder/DifferenceView";
import { forget, keep, kept, type KeptDraft } from "../../builder/drafts";
import { NodePanel } from "../../builder/NodePanel";
import { Palette } from "../../builder/Palette";
import { freePlace, newNode, reveal } from "../../builder/place";
import { problemsOf } from "../../builder/problems";
import { type Asked, pinFor, QuickAdd } from "../../builder/QuickAdd";
import { useSave } from "../../builder/save";
import { copies, type Draft, draftFrom, sameDraft, useBuilder } from "../../builder/store";
import { TopBar } from "../../builder/TopBar";
import { dataOf, titleOf } from "../../canvas/flow";
import { NODE_WIDTH, nodeHeight } from "../../canvas/BlockNode";
import { arranged, placed } from "../../canvas/layout";
import { type Block, useBlockMap, useBlocks } from "../../data/blocks";
import { useGraph } from "../../data/graphs";
import { ago } from "../../lib/format";
import { summaries } from "../../runs/model";
import { useRun } from "../../runs/useRun";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/overlay";
import { useTitle } from "../../ui/page";
import { Failure } from "../../ui/states";

const ListView = lazy(() => import("../../builder/ListView"));
const DRAFT_MS = 2000;

export default function Build() {
  const { id = "" } = useParams();
  const graph = useGraph(id);
  const blocks = useBlocks();
  if (graph.isError) return <Failure error={graph.error} retry={() => void graph.refetch()} />;
  if (blocks.isError) return <Failure error={blocks.error} retry={() => void blocks.refetch()} />;
  if (!graph.data || !blocks.data) return <Waiting />;
  return (
    <ReactFlowProvider key={id}>
      <Builder id={id} blocks={blocks.data} />
    </ReactFlowProvider>
  );
}

function typing(event: Event): boolean {
  const on = event.target as HTMLElement;
  return /^(INPUT|TEXTAREA|SELECT)$/.test(on.tagName) || on.isContentEditable;
}

function Builder({ id, blocks }: { id: string; blocks: Block[] }) {
  const { t } = useTranslation("builder");
  const graph = useGraph(id);
  const map = useBlockMap();
  const [query, setQuery] = useSearchParams();
  const [base, setBase] = useState<Draft | null>(null);
  const [version, setVersion] = useState(0);
  const [recovered, setRecovered] = useState<KeptDraft | null>(null);
  const [asked, ask] = useState<Asked | null>(null);
  const [list, showList] = useState(false);
  const nodes = useBuilder((state) => state.nodes);
  const links = useBuilder((state) => state.links);
  const name = useBuilder((state) => state.name);
  const description = useBuilder((state) => state.description);
  const selected = useBuilder((state) => state.selected);
  const flow = useReactFlow();
  const queries = useQueryClient();
  const draft = useMemo(() => ({ name, description, nodes, links }), [name, description, nodes, links]);
  const dirty = base !== null && !sameDraft(base, draft);
  const save = useSave(id, version);
  const runId = query.get("run");
  useTitle(name);

  const open = useCallback((saved: Draft, at: number) => {
    useBuilder.getState().load(saved);
    useBuilder.temporal.getState().clear();
    setBase(saved);
    setVersion(at);
  }, []);

  useEffect(() => {
    if (!graph.data || base !== null) return;
    const saved = draftFrom(graph.data);
    const before = kept(id);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the store outside of React is filled once
    open(saved, graph.data.version);
    if (before && !sameDraft(before.draft, saved)) setRecovered(before);
    if (!placed(saved.nodes.map((node) => node.metadata.position))) void arrange();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the agent came
  }, [graph.data]);

  useEffect(() => {
    if (!dirty || recovered) return;
    const now = () => keep(id, version, draft);
    const timer = setTimeout(now, DRAFT_MS);
    window.addEventListener("pagehide", now);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pagehide", now);
    };
  }, [dirty, draft, id, version, recovered]);

  useBlocker(({ currentLocation, nextLocation }) => {
    if (dirty && currentLocation.pathname !== nextLocation.pathname) {
      keep(id, version, draft);
      toast(t("keptDraft"));
    }
    return false;
  });

  async function arrange() {
    const state = useBuilder.getState();
    const boxes = state.nodes.map((node) => ({
      id: node.id,
      width: NODE_WIDTH,
      height: nodeHeight(dataOf(node, state.links, map)),
    }));
    state.move(
      await arranged(
        boxes,
        state.links.map((link) => ({ source: link.source_id, target: link.sink_id })),
      ),
    );
    requestAnimationFrame(() => void flow.fitView({ duration: 250 }));
  }

  async function saved(): Promise<boolean> {
    try {
      const made = await save.mutateAsync(draft);
      forget(id);
      setBase(draft);
      setVersion(made.version);
      void queries.invalidateQueries({ queryKey: ["graphs"] });
      return true;
    } catch {
      return false;
    }
  }

  function add(block: Block, at?: { x: number; y: number }, link?: { asked: Asked; pin: string | null }) {
    const state = useBuilder.getState();
    const beside = state.nodes.find((node) => state.selected.has(node.id));
    const node = newNode(block, at ?? freePlace(state.nodes, beside));
    state.add([node]);
    if (!at) reveal(flow, node.metadata.position);
    const from = link?.asked.from;
    if (from && link.pin) connect(from, node.id, link.pin);
    else if (!at && beside) {
      const source = dataOf(beside, state.links, map).outputs.find((pin) => pin.name !== "error");
      const pin =
        source && pinFor(block, { node: beside.id, pin: source.name, side: "source", family: source.family });
      if (source && pin) connect({ node: beside.id, pin: source.name, side: "source" }, node.id, pin);
    }
  }

  function connect(
    from: { node: string; pin: string; side: "source" | "target" },
    node: string,
    pin: string,
  ) {
    const link =
      from.side === "source"
        ? { source_id: from.node, source_name: from.pin, sink_id: node, sink_name: pin }
        : { source_id: node, source_name: pin, sink_id: from.node, sink_name: from.pin };
    useBuilder.getState().connect(link);
  }

  useEffect(() => {
    const free = (action: (event: KeyboardEvent) => void) => (event: KeyboardEvent) => {
      if (typing(event)) return;
      event.preventDefault();
      action(event);
    };
    const state = useBuilder.getState;
    return tinykeys(window, {
      "$mod+z": free(() => useBuilder.temporal.getState().undo()),
      "$mod+Shift+z": free(() => useBuilder.temporal.getState().redo()),
      "$mod+y": free(() => useBuilder.temporal.getState().redo()),
      "$mod+a": free(() => state().select(new Set(state().nodes.map((node) => node.id)))),
      "$mod+d": free(() => state().add(...copies(state(), state().selected))),
      "$mod+s": (event: KeyboardEvent) => {
        event.preventDefault();
        document.getElementById("builder-save")?.click();
      },
      Tab: (event: KeyboardEvent) => {
        if (typing(event) || document.activeElement !== document.body) return;
        event.preventDefault();
        ask({ at: { x: innerWidth / 2 - 160, y: innerHeight / 3 } });
      },
    });
  }, []);

  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      const state = useBuilder.getState();
      if (typing(event) || state.selected.size === 0 || getSelection()?.toString()) return;
      const [some, among] = copies(state, state.selected, { x: 0, y: 0 });
      event.clipboardData?.setData(
        "text/plain",
        JSON.stringify({ millstream: 1, nodes: some, links: among }, null, 2),
      );
      event.preventDefault();
      if (event.type === "cut") state.remove(state.selected, new Set());
    };
    const paste = (event: ClipboardEvent) => {
      if (typing(event)) return;
      try {
        const found = JSON.parse(event.clipboardData?.getData("text/plain") ?? "") as Draft & {
          millstream?: number;
        };
        if (found.millstream !== 1) return;
        useBuilder.getState().add(...copies(found, new Set(found.nodes.map((node) => node.id))));
      } catch {
        // something else was in the clipboard
      }
    };
    window.addEventListener("copy", copy);
    window.addEventListener("cut", copy);
    window.addEventListener("paste", paste);
    return () => {
      window.removeEventListener("copy", copy);
      window.removeEventListener("cut", copy);
      window.removeEventListener("paste", paste);
    };
  }, []);

  const problems = useMemo(() => problemsOf(draft, map), [draft, map]);
  const texts = useMemo(
    () =>
      new Map(problems.flatMap((each) => (each.node ? [[each.node, t(each.key, each.facts)] as const] : []))),
    [problems, t],
  );
  const only = selected.size === 1 ? nodes.find((node) => selected.has(node.id)) : undefined;

  return (
    <RunStates id={runId}>
      {(states, bar) => (
        <div className="flex h-full flex-col">
          <TopBar
            graphId={id}
            version={version}
            dirty={dirty}
            saving={save.isPending}
            error={save.error}
            problems={problems.map((each) => ({
              node: each.node,
              text:
                (each.node
                  ? `${titleOf(nodes.find((node) => node.id === each.node) ?? {}, map.get(nodes.find((node) => node.id === each.node)?.block_id ?? ""))}: `
                  : "") + t(each.key, each.facts),
            }))}
            list={list}
            onList={() => showList(!list)}
            onSave={saved}
            onArrange={() => void arrange()}
            onGo={(node) => {
              useBuilder.getState().select(new Set([node]));
              void flow.fitView({ nodes: [{ id: node }], duration: 300, maxZoom: 1.1 });
            }}
            onRun={(run) => setQuery({ run })}
            onRestore={(old) => {
              const state = useBuilder.getState();
              state.load(old);
              toast.success(t("versions.restored"));
            }}
            runId={runId}
            runBar={bar}
          />
          <div className="flex min-h-0 flex-1">
            <aside aria-label={t("palette.title")} className="w-64 shrink-0 border-r bg-panel max-lg:hidden">
              <Palette blocks={blocks} onAdd={(block) => add(block)} />
            </aside>
            <div className="relative min-w-0 flex-1" aria-label={t("canvas")} role="region">
              {list ? (
                <Suspense fallback={<Waiting />}>
                  <ListView
                    blocks={map}
                    problems={texts}
                    onAdd={() => ask({ at: { x: innerWidth / 2 - 160, y: 160 } })}
                  />
                </Suspense>
              ) : (
                <Canvas
                  blocks={map}
                  problems={texts}
                  states={states}
                  onAsk={(at, from) => {
                    const node = from && nodes.find((each) => each.id === from.node);
                    const data = node && dataOf(node, links, map);
                    const family = [...(data?.inputs ?? []), ...(data?.outputs ?? [])].find(
                      (pin) => pin.name === from?.pin,
                    )?.family;
                    ask(from ? { at, from: { ...from, family: family ?? "any" } } : { at });
                  }}
                />
              )}
              {nodes.length === 0 && !list && (
                <div className="pointer-events-none absolute inset-0 grid place-items-center">
                  <div className="max-w-sm text-center text-sm text-muted">
                    <p className="text-base font-semibold text-ink">{t("empty.title")}</p>
                    <p className="mt-1">{t("empty.text")}</p>
                  </div>
                </div>
              )}
            </div>
            {only && (
              <aside
                aria-label={t("node")}
                className="w-80 shrink-0 overflow-y-auto border-l bg-panel max-md:absolute max-md:inset-x-0 max-md:bottom-0 max-md:z-20 max-md:max-h-[55%] max-md:w-full max-md:border-t"
              >
                <NodePanel
                  key={only.id}
                  node={only}
                  block={map.get(only.block_id)}
                  blocks={map}
                  state={states.get(only.id)}
                  problem={texts.get(only.id)}
                />
              </aside>
            )}
          </div>
          {asked && (
            <QuickAdd
              asked={asked}
              blocks={blocks}
              onClose={() => ask(null)}
              onPick={(block, pin) => {
                add(block, list ? undefined : flow.screenToFlowPosition(asked.at), { asked, pin });
                ask(null);
              }}
            />
          )}
          {recovered && base && (
            <Dialog
              open
              onOpenChange={() => setRecovered(null)}
              title={t("recover.title")}
              description={t("recover.text", { when: ago(recovered.at) })}
            >
              <DifferenceView before={base} now={recovered.draft} />
              <div className="mt-4 flex justify-end gap-2">
                <Button
                  onClick={() => {
                    forget(id);
                    setRecovered(null);
                  }}
                >
                  {t("recover.drop")}
                </Button>
                <Button
                  look="primary"
                  onClick={() => {
                    useBuilder.getState().load(recovered.draft);
                    setRecovered(null);
                  }}
                >
                  {t("recover.take")}
                </Button>
              </div>
            </Dialog>
          )}
        </div>
      )}
    </RunStates>
  );
}

type States = ReturnType<typeof summaries>;
const NO_STATES: States = new Map();

/** The states of the run that is watched on the canvas, if one is. */
function RunStates(props: {
  id: string | null;
  children: (states: States, bar: ReturnType<typeof useRun>["run"] | null) => React.ReactNode;
}) {
  return props.id ? <Watched id={props.id}>{props.children}</Watched> : props.children(NO_STATES, null);
}

function Watched(props: {
  id: string;
  children: (states: States, bar: ReturnType<typeof useRun>["run"]) => React.ReactNode;
}) {
  const { run } = useRun(props.id);
  const states = useMemo(() => summaries(run.nodes), [run.nodes]);
  return props.children(states, run);
}
