/** The canvas of the builder. What is drawn follows from the draft; what people do here becomes changes of it. */
import "@xyflow/react/dist/style.css";
import {
  Background,
  type Connection,
  Controls,
  type Edge,
  MiniMap,
  type NodeChange,
  ReactFlow,
  SelectionMode,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useTheme } from "../app/theme";
import { type CanvasNode, dataOf, edgesOf } from "../canvas/flow";
import { dotOf, NODE_TYPES } from "../canvas/RunCanvas";
import type { Block } from "../data/blocks";
import type { NodeSummary } from "../runs/model";
import { fit } from "../canvas/types";
import { NodeCache } from "./nodes";
import { newNode } from "./place";
import { useBuilder } from "./store";

export const DRAGGED = "application/x-millstream-block";

export function Canvas(props: {
  blocks: ReadonlyMap<string, Block>;
  problems: ReadonlyMap<string, string>;
  states: ReadonlyMap<string, NodeSummary>;
  onAsk: (
    at: { x: number; y: number },
    from?: { node: string; pin: string; side: "source" | "target" },
  ) => void;
}) {
  const { t } = useTranslation("builder");
  const { blocks, problems, states } = props;
  const dark = useTheme((state) => state.dark);
  const draftNodes = useBuilder((state) => state.nodes);
  const draftLinks = useBuilder((state) => state.links);
  const selected = useBuilder((state) => state.selected);
  const { screenToFlowPosition } = useReactFlow();
  const [dragged, setDragged] = useState<ReadonlyMap<string, { x: number; y: number }>>(new Map());
  const [chosenEdges, chooseEdges] = useState<ReadonlySet<string>>(new Set());
  const [cache] = useState(() => new NodeCache());

  const datas = useMemo(
    () => new Map(draftNodes.map((node) => [node.id, dataOf(node, draftLinks, blocks)])),
    [draftNodes, draftLinks, blocks],
  );

  const nodes = useMemo(
    () => cache.nodes({ nodes: draftNodes, datas, blocks, dragged, selected, problems, states }),
    [cache, draftNodes, datas, blocks, dragged, selected, problems, states],
  );

  const edges = useMemo(
    () =>
      edgesOf(draftLinks, datas).map((edge) => ({
        ...edge,
        selected: chosenEdges.has(edge.id),
        animated: states.get(edge.target)?.status === "RUNNING",
      })),
    [draftLinks, datas, states, chosenEdges],
  );

  const onNodesChange = useCallback((changes: NodeChange<CanvasNode>[]) => {
    const state = useBuilder.getState();
    const places = new Map<string, { x: number; y: number }>();
    const gone = new Set<string>();
    let chosen: Set<string> | null = null;
    let dropped = false;
    for (const change of changes) {
      if (change.type === "position" && change.position) {
        places.set(change.id, change.position);
        dropped ||= !change.dragging;
      }
      if (change.type === "remove") gone.add(change.id);
      if (change.type === "select") {
        chosen ??= new Set(state.selected);
        if (change.selected) chosen.add(change.id);
        else chosen.delete(change.id);
      }
    }
    if (chosen) state.select(chosen);
    if (gone.size) state.remove(gone, new Set());
    if (places.size && dropped) {
      state.move(places);
      setDragged(new Map());
    } else if (places.size) setDragged((before) => new Map([...before, ...places]));
  }, []);

  const familyOf = (node: string | null, pin: string | null | undefined, side: "inputs" | "outputs") =>
    datas.get(node ?? "")?.[side].find((each) => each.name === pin)?.family ?? "any";

  const onConnect = (link: Connection) => {
    if (!link.sourceHandle || !link.targetHandle) return;
    const from = familyOf(link.source, link.sourceHandle, "outputs");
    const to = familyOf(link.target, link.targetHandle, "inputs");
    useBuilder.getState().connect({
      source_id: link.source,
      source_name: link.sourceHandle,
      sink_id: link.target,
      sink_name: link.targetHandle,
    });
    if (fit(from, to) === "doubtful")
      toast.warning(t("doubtful", { from: t(`common:family.${from}`), to: t(`common:family.${to}`) }));
  };

  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    const block = blocks.get(event.dataTransfer.getData(DRAGGED));
    if (block)
      useBuilder
        .getState()
        .add([newNode(block, screenToFlowPosition({ x: event.clientX, y: event.clientY }))]);
  };

  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      onNodesChange={onNodesChange}
      onEdgesChange={(changes) =>
        chooseEdges((before) => {
          const next = new Set(before);
          for (const change of changes) {
            if (change.type !== "select") continue;
            if (change.selected) next.add(change.id);
            else next.delete(change.id);
          }
          return next;
        })
      }
      onEdgesDelete={(gone: Edge[]) =>
        useBuilder.getState().remove(new Set(), new Set(gone.map((edge) => edge.id)))
      }
      onConnect={onConnect}
      onConnectEnd={(event, state) => {
        if (state.isValid || !state.fromHandle?.id || !state.fromNode) return;
        const at = "changedTouches" in event ? event.changedTouches[0] : event;
        if (!at || state.toNode) return;
        const from = { node: state.fromNode.id, pin: state.fromHandle.id, side: state.fromHandle.type };
        props.onAsk({ x: at.clientX, y: at.clientY }, from);
      }}
      onReconnect={(old, link) => {
        useBuilder.getState().remove(new Set(), new Set([old.id]));
        onConnect(link);
      }}
      onDrop={onDrop}
      onDragOver={(event) => event.preventDefault()}
      onDoubleClick={(event) => {
        if ((event.target as HTMLElement).classList.contains("react-flow__pane"))
          props.onAsk({ x: event.clientX, y: event.clientY });
      }}
      zoomOnDoubleClick={false}
      selectionMode={SelectionMode.Partial}
      deleteKeyCode={["Delete", "Backspace"]}
      multiSelectionKeyCode={["Shift", "Meta", "Control"]}
      colorMode={dark ? "dark" : "light"}
      minZoom={0.05}
      fitView
      onlyRenderVisibleElements
      snapToGrid
      snapGrid={[10, 10]}
      ariaLabelConfig={{
        "node.a11yDescription.default": t("a11y.node"),
        "edge.a11yDescription.default": t("a11y.edge"),
      }}
    >
      <Background gap={20} />
      <Controls />
      <MiniMap pannable zoomable nodeColor={dotOf} className="max-md:hidden" />
    </ReactFlow>
  );
}
