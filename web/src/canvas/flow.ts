/** A saved graph as nodes and edges of the canvas. */
import type { Edge } from "@xyflow/react";
import { type Block, blockTitle, pinsOf, type Schema } from "../data/blocks";
import type { Graph } from "../data/graphs";
import { arranged, placed } from "./layout";
import { type BlockData, type BlockNodeType, NODE_WIDTH, nodeHeight, type Pin } from "./BlockNode";
import type { NoteNodeType } from "./NoteNode";
import { COLOURS, familyOf, pinName } from "./types";

export type CanvasNode = BlockNodeType | NoteNodeType;
type GraphNode = Pick<Graph["nodes"][number], "id" | "block_id" | "input_default" | "metadata">;
type GraphLink = Pick<Graph["links"][number], "source_id" | "source_name" | "sink_id" | "sink_name"> & {
  id?: string | undefined;
  is_static?: boolean | undefined;
};

export interface NodeMeta {
  position?: { x: number; y: number };
  customized_name?: string;
  [more: string]: unknown;
}

export function metaOf(node: GraphNode): NodeMeta {
  return (node.metadata ?? {}) as NodeMeta;
}

/** What is written on a node: the name that it was given, that of its agent or input, or the block's. */
export function titleOf(
  node: { metadata?: unknown; input_default?: unknown },
  block: Block | undefined,
): string {
  const given = ((node.metadata ?? {}) as NodeMeta).customized_name;
  const defaults = (node.input_default ?? {}) as { name?: unknown; agent_name?: unknown };
  const io = block?.uiType === "Input" || block?.uiType === "Output";
  if (given) return given;
  if (io && typeof defaults.name === "string" && defaults.name) return defaults.name;
  if (typeof defaults.agent_name === "string" && defaults.agent_name) return defaults.agent_name;
  return block ? blockTitle(block.name) : "?";
}

const SHOWN_PINS = 12;

/** Pins of a node: those of its block, advanced ones only if something is linked to them, and parts that links name. */
export function pins(schema: unknown, linked: string[]): Pin[] {
  const root = (schema ?? {}) as Schema;
  const required = new Set(root.required ?? []);
  const found: Pin[] = pinsOf(root)
    .filter(([name, pin]) => !pin.advanced || linked.includes(name))
    .map(([name, pin]) => ({
      name,
      title: pin.title ?? name,
      family: familyOf(pin, root),
      required: required.has(name),
      linked: linked.includes(name),
    }));
  const known = new Set(found.map((pin) => pin.name));
  const parts = linked.filter((name, index) => !known.has(name) && linked.indexOf(name) === index);
  const shown =
    found.length > SHOWN_PINS
      ? found.filter((pin, index) => pin.linked || pin.required || index < SHOWN_PINS)
      : found;
  return [
    ...shown,
    ...parts.map((name) => ({ name, title: pinName(name), family: "any" as const, linked: true })),
  ];
}

export function dataOf(node: GraphNode, links: GraphLink[], blocks: ReadonlyMap<string, Block>): BlockData {
  const block = blocks.get(node.block_id);
  const into = links.filter((link) => link.sink_id === node.id).map((link) => link.sink_name);
  const out = links.filter((link) => link.source_id === node.id).map((link) => link.source_name);
  const own = (node.input_default ?? {}) as { input_schema?: unknown; output_schema?: unknown };
  const agent = block?.uiType === "Agent";
  return {
    title: titleOf(node, block),
    block: block ? blockTitle(block.name) : node.block_id,
    category: block?.categories[0]
      ? String((block.categories[0] as { category?: string }).category ?? "")
      : "",
    inputs: pins(agent ? own.input_schema : block?.inputSchema, into),
    outputs: pins(agent ? own.output_schema : block?.outputSchema, out).filter(
      (pin) => pin.name !== "error" || pin.linked || agent,
    ),
  };
}

export function edgesOf(links: GraphLink[], nodes: ReadonlyMap<string, BlockData>): Edge[] {
  return links.map((link) => {
    const family =
      nodes.get(link.source_id)?.outputs.find((pin) => pin.name === link.source_name)?.family ?? "any";
    return {
      id: link.id ?? `${link.source_id}.${link.source_name}-${link.sink_id}.${link.sink_name}`,
      source: link.source_id,
      sourceHandle: link.source_name,
      target: link.sink_id,
      targetHandle: link.sink_name,
      style: {
        stroke: COLOURS[family],
        strokeWidth: 1.75,
        ...(link.is_static ? { strokeDasharray: "6 3" } : {}),
      },
    };
  });
}

const NOTE = "Note";

/** How large a node is before it is measured: the minimap and the first fit go by it. */
export function sized(data: BlockData): { initialWidth: number; initialHeight: number } {
  return { initialWidth: NODE_WIDTH, initialHeight: nodeHeight(data) };
}

/** Nodes and edges, laid out if nobody ever placed them. */
export async function flowOf(
  graph: { nodes: GraphNode[]; links: GraphLink[] },
  blocks: ReadonlyMap<string, Block>,
): Promise<{ nodes: CanvasNode[]; edges: Edge[] }> {
  const datas = new Map(graph.nodes.map((node) => [node.id, dataOf(node, graph.links, blocks)]));
  const points = graph.nodes.map((node) => metaOf(node).position ?? { x: 0, y: 0 });
  let at = new Map(graph.nodes.map((node, index) => [node.id, points[index] ?? { x: 0, y: 0 }]));
  if (!placed(points)) {
    const boxes = graph.nodes.map((node) => ({
      id: node.id,
      width: NODE_WIDTH,
      height: nodeHeight(datas.get(node.id)!),
    }));
    at = await arranged(
      boxes,
      graph.links.map((link) => ({ source: link.source_id, target: link.sink_id })),
    );
  }
  const nodes = graph.nodes.map((node): CanvasNode => {
    const position = at.get(node.id) ?? { x: 0, y: 0 };
    if (blocks.get(node.block_id)?.uiType === NOTE) {
      const text = (node.input_default as { text?: unknown }).text;
      return { id: node.id, type: "note", position, data: { text: typeof text === "string" ? text : "" } };
    }
    const data = datas.get(node.id)!;
    return { id: node.id, type: "block", position, data, ...sized(data) };
  });
  return { nodes, edges: edgesOf(graph.links, datas) };
}
