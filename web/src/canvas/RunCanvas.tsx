/** The graph of a run, in the version that ran, painted with its states. */
import "@xyflow/react/dist/style.css";
import { Background, Controls, type Edge, MiniMap, ReactFlow, type NodeTypes } from "@xyflow/react";
import { useEffect, useMemo, useState } from "react";
import { useTheme } from "../app/theme";
import { useBlockMap } from "../data/blocks";
import type { Graph } from "../data/graphs";
import { type NodeSummary } from "../runs/model";
import { BlockNode } from "./BlockNode";
import { type CanvasNode, flowOf } from "./flow";
import { NoteNode } from "./NoteNode";

export const NODE_TYPES: NodeTypes = { block: BlockNode, note: NoteNode };

const DOTS: Record<string, string> = {
  RUNNING: "var(--info)",
  COMPLETED: "var(--ok)",
  FAILED: "var(--bad)",
  REVIEW: "var(--accent)",
};

export function dotOf(node: { data: unknown }): string {
  return DOTS[String((node.data as { status?: string }).status)] ?? "var(--line-strong)";
}

const PREVIEW_CHARS = 140;

export function previewOf(output: Record<string, unknown[]>): string | null {
  const [pin, values] = Object.entries(output).at(-1) ?? [];
  if (!pin || !values?.length) return null;
  const last = values.at(-1);
  const text = typeof last === "string" ? last : JSON.stringify(last);
  return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
}

export function RunCanvas(props: {
  graph: Graph;
  states: ReadonlyMap<string, NodeSummary>;
  onSelect: (nodeId: string) => void;
}) {
  const blocks = useBlockMap();
  const dark = useTheme((state) => state.dark);
  const [flow, setFlow] = useState<{ nodes: CanvasNode[]; edges: Edge[] } | null>(null);
  useEffect(() => {
    let left = false;
    void flowOf(props.graph, blocks).then((found) => !left && setFlow(found));
    return () => {
      left = true;
    };
  }, [props.graph, blocks]);

  const nodes = useMemo(
    () =>
      flow?.nodes.map((node): CanvasNode => {
        const state = props.states.get(node.id);
        if (!state || node.type !== "block") return node;
        const data = {
          ...node.data,
          status: state.status,
          runs: state.runs,
          preview: previewOf(state.newest.output),
        };
        return { ...node, data };
      }) ?? [],
    [flow, props.states],
  );
  const edges = useMemo(
    () =>
      flow?.edges.map((edge) => ({
        ...edge,
        animated: props.states.get(edge.target)?.status === "RUNNING",
      })) ?? [],
    [flow, props.states],
  );
  if (!flow) return null;
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      colorMode={dark ? "dark" : "light"}
      fitView
      minZoom={0.05}
      nodesDraggable={false}
      nodesConnectable={false}
      onlyRenderVisibleElements
      onNodeClick={(_, node) => props.onSelect(node.id)}
      proOptions={{ hideAttribution: false }}
    >
      <Background gap={20} />
      <Controls showInteractive={false} />
      <MiniMap pannable zoomable nodeColor={dotOf} className="max-sm:hidden" />
    </ReactFlow>
  );
}
