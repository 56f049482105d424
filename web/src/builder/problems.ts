/** What keeps a draft from running, node by node. The edge decides again when it is saved; this answers while one types. Pure. */
import type { Block, Schema } from "../data/blocks";
import { pinName } from "../canvas/types";
import type { Draft } from "./store";

export interface Problem {
  node: string | null;
  key: string;
  facts: Record<string, string>;
}

export function problemsOf(draft: Draft, blocks: ReadonlyMap<string, Block>): Problem[] {
  const found: Problem[] = [];
  if (draft.nodes.length === 0) found.push({ node: null, key: "problem.empty", facts: {} });
  for (const node of draft.nodes) {
    const block = blocks.get(node.block_id);
    if (!block) {
      if (blocks.size) found.push({ node: node.id, key: "problem.unknown", facts: { id: node.block_id } });
      continue;
    }
    const schema = block.inputSchema as Schema;
    const linked = new Set(
      draft.links.filter((link) => link.sink_id === node.id).map((link) => pinName(link.sink_name)),
    );
    const parts = Object.keys(node.input_default).map(pinName);
    for (const pin of schema.required ?? []) {
      if (block.uiType === "Agent" || linked.has(pin) || parts.includes(pin)) continue;
      if (schema.properties?.[pin]?.default !== undefined) continue;
      found.push({
        node: node.id,
        key: "problem.missing",
        facts: { pin: schema.properties?.[pin]?.title ?? pin },
      });
    }
  }
  return found;
}
