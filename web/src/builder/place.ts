/** New nodes: with the defaults that a block wants, and a place that is free. */
import type { ReactFlowInstance } from "@xyflow/react";
import { NODE_WIDTH } from "../canvas/BlockNode";
import type { Block, Schema } from "../data/blocks";
import type { DraftNode } from "./store";

export function newNode(block: Block, position: { x: number; y: number }): DraftNode {
  const schema = block.inputSchema as Schema;
  const named = (block.uiType === "Input" || block.uiType === "Output") && schema.properties?.name;
  return {
    id: crypto.randomUUID(),
    block_id: block.id,
    input_default: named ? { name: block.uiType.toLowerCase() } : {},
    metadata: { position: { x: Math.round(position.x / 10) * 10, y: Math.round(position.y / 10) * 10 } },
  };
}

const STEP = { x: 320, y: 40 };

/** A place beside the last selected node, or behind everything, that covers nothing. */
export function freePlace(nodes: DraftNode[], beside: DraftNode | undefined): { x: number; y: number } {
  const start = beside?.metadata.position ?? nodes.at(-1)?.metadata.position;
  if (!start) return { x: 0, y: 0 };
  let at = { x: start.x + STEP.x, y: start.y };
  const covered = () =>
    nodes.some(
      ({ metadata: { position: p } }) => Math.abs(p.x - at.x) < 200 && Math.abs(p.y - at.y) < STEP.y,
    );
  while (covered()) at = { x: at.x, y: at.y + STEP.y * 3 };
  return at;
}

const SHOWN_HEIGHT = 120;

/** Move the canvas if a new node would be out of sight. */
export function reveal(flow: ReactFlowInstance, { x, y }: { x: number; y: number }): void {
  const box = document.querySelector(".react-flow")?.getBoundingClientRect();
  if (!box) return;
  const first = flow.flowToScreenPosition({ x, y });
  const last = flow.flowToScreenPosition({ x: x + NODE_WIDTH, y: y + SHOWN_HEIGHT });
  if (first.x >= box.left && first.y >= box.top && last.x <= box.right && last.y <= box.bottom) return;
  const zoom = Math.min(1, flow.getZoom());
  void flow.setCenter(x + NODE_WIDTH / 2, y + SHOWN_HEIGHT / 2, { zoom, duration: 200 });
}
