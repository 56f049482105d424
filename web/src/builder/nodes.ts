/** Nodes of the draft as nodes of the canvas. */
import type { BlockData } from "../canvas/BlockNode";
import { type CanvasNode, sized } from "../canvas/flow";
import { previewOf } from "../canvas/RunCanvas";
import type { Block } from "../data/blocks";
import type { NodeSummary } from "../runs/model";
import type { DraftNode } from "./store";

interface Drawn {
  key: unknown[];
  node: CanvasNode;
}

export interface Scene {
  nodes: DraftNode[];
  datas: ReadonlyMap<string, BlockData>;
  blocks: ReadonlyMap<string, Block>;
  dragged: ReadonlyMap<string, { x: number; y: number }>;
  selected: ReadonlySet<string>;
  problems: ReadonlyMap<string, string>;
  states: ReadonlyMap<string, NodeSummary>;
}

/** Remembers what was drawn: an object is made anew only if something of its node changed, so that an edit draws one node
 * and not five hundred. */
export class NodeCache {
  private drawn = new Map<string, Drawn>();

  nodes(scene: Scene): CanvasNode[] {
    const next = new Map<string, Drawn>();
    for (const node of scene.nodes) {
      const position = scene.dragged.get(node.id) ?? node.metadata.position;
      const data = scene.datas.get(node.id);
      const state = scene.states.get(node.id);
      const selected = scene.selected.has(node.id);
      const problem = scene.problems.get(node.id);
      const key = [
        node,
        position.x,
        position.y,
        JSON.stringify(data),
        selected,
        problem,
        state?.status,
        state?.newest,
      ];
      const before = this.drawn.get(node.id);
      const same = before?.key.every((each, index) => each === key[index]);
      next.set(node.id, before && same ? before : { key, node: draw(node, position, scene) });
    }
    this.drawn = next;
    return [...next.values()].map((each) => each.node);
  }
}

function draw(node: DraftNode, position: { x: number; y: number }, scene: Scene): CanvasNode {
  const common = { id: node.id, position, selected: scene.selected.has(node.id) };
  if (scene.blocks.get(node.block_id)?.uiType === "Note")
    return { ...common, type: "note", data: { text: String(node.input_default.text ?? "") } };
  const policy = node.metadata.policy as { disabled?: boolean; pinned?: unknown } | undefined;
  const state = scene.states.get(node.id);
  return {
    ...common,
    type: "block",
    ...sized(scene.datas.get(node.id)!),
    data: {
      ...scene.datas.get(node.id)!,
      off: policy?.disabled ?? false,
      pinned: policy?.pinned !== undefined,
      problem: scene.problems.get(node.id) ?? null,
      status: state?.status ?? null,
      runs: state?.runs ?? 0,
      preview: state ? previewOf(state.newest.output) : null,
    },
  };
}
