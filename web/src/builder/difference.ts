/** What changed between two states of a graph. Pure. */
import type { Draft, DraftNode } from "./store";

export interface Difference {
  added: DraftNode[];
  removed: DraftNode[];
  changed: { node: DraftNode; pins: string[] }[];
  linksAdded: number;
  linksRemoved: number;
}

const linkKey = (link: Draft["links"][number]) =>
  [link.source_id, link.source_name, link.sink_id, link.sink_name].join("|");

export function difference(before: Draft, now: Draft): Difference {
  const old = new Map(before.nodes.map((node) => [node.id, node]));
  const fresh = new Map(now.nodes.map((node) => [node.id, node]));
  const oldLinks = new Set(before.links.map(linkKey));
  const newLinks = new Set(now.links.map(linkKey));
  return {
    added: now.nodes.filter((node) => !old.has(node.id)),
    removed: before.nodes.filter((node) => !fresh.has(node.id)),
    changed: now.nodes.flatMap((node) => {
      const other = old.get(node.id);
      if (!other) return [];
      const names = new Set([...Object.keys(node.input_default), ...Object.keys(other.input_default)]);
      const pins = [...names].filter(
        (name) => JSON.stringify(node.input_default[name]) !== JSON.stringify(other.input_default[name]),
      );
      return pins.length ? [{ node, pins }] : [];
    }),
    linksAdded: [...newLinks].filter((key) => !oldLinks.has(key)).length,
    linksRemoved: [...oldLinks].filter((key) => !newLinks.has(key)).length,
  };
}
