/** The graph that is being edited. Only what is saved is undone; what is selected or looked at is not. */
import { temporal } from "zundo";
import { create } from "zustand";
import type { Graph } from "../data/graphs";

export interface DraftNode {
  id: string;
  block_id: string;
  input_default: Record<string, unknown>;
  metadata: { position: { x: number; y: number }; customized_name?: string; [more: string]: unknown };
}

export interface DraftLink {
  id: string;
  source_id: string;
  source_name: string;
  sink_id: string;
  sink_name: string;
  is_static: boolean;
}

export interface Draft {
  name: string;
  description: string;
  nodes: DraftNode[];
  links: DraftLink[];
}

interface Builder extends Draft {
  selected: ReadonlySet<string>;
  load: (draft: Draft) => void;
  rename: (changes: Partial<Pick<Draft, "name" | "description">>) => void;
  add: (nodes: DraftNode[], links?: DraftLink[]) => void;
  remove: (nodeIds: ReadonlySet<string>, linkIds: ReadonlySet<string>) => void;
  move: (places: ReadonlyMap<string, { x: number; y: number }>) => void;
  connect: (link: Omit<DraftLink, "id" | "is_static">) => void;
  setInputs: (id: string, inputs: Record<string, unknown>) => void;
  setMeta: (id: string, changes: Record<string, unknown>) => void;
  select: (ids: ReadonlySet<string>) => void;
}

export const EMPTY: Draft = { name: "", description: "", nodes: [], links: [] };
const KEPT_STEPS = 200;

function draftOf({ name, description, nodes, links }: Draft): Draft {
  return { name, description, nodes, links };
}

export const useBuilder = create<Builder>()(
  temporal<Builder, [], [], Draft>(
    (set) => ({
      ...EMPTY,
      selected: new Set<string>(),
      load: (draft) => set({ ...draftOf(draft), selected: new Set() }),
      rename: (changes) => set(changes),
      add: (nodes, links = []) =>
        set((state) => ({
          nodes: [...state.nodes, ...nodes],
          links: [...state.links, ...links],
          selected: new Set(nodes.map((node) => node.id)),
        })),
      remove: (nodeIds, linkIds) =>
        set((state) => ({
          nodes: state.nodes.filter((node) => !nodeIds.has(node.id)),
          links: state.links.filter(
            (link) => !linkIds.has(link.id) && !nodeIds.has(link.source_id) && !nodeIds.has(link.sink_id),
          ),
          selected: new Set([...state.selected].filter((id) => !nodeIds.has(id))),
        })),
      move: (places) =>
        set((state) => ({
          nodes: state.nodes.map((node) => {
            const position = places.get(node.id);
            return position ? { ...node, metadata: { ...node.metadata, position } } : node;
          }),
        })),
      connect: (link) =>
        set((state) => {
          const same = (each: DraftLink) =>
            each.source_id === link.source_id &&
            each.source_name === link.source_name &&
            each.sink_id === link.sink_id &&
            each.sink_name === link.sink_name;
          if (state.links.some(same)) return state;
          return { links: [...state.links, { ...link, id: crypto.randomUUID(), is_static: false }] };
        }),
      setInputs: (id, inputs) =>
        set((state) => ({
          nodes: state.nodes.map((node) => (node.id === id ? { ...node, input_default: inputs } : node)),
        })),
      setMeta: (id, changes) =>
        set((state) => ({
          nodes: state.nodes.map((node) =>
            node.id === id ? { ...node, metadata: { ...node.metadata, ...changes } } : node,
          ),
        })),
      select: (selected) => set({ selected }),
    }),
    {
      limit: KEPT_STEPS,
      partialize: draftOf,
      equality: (before, now) =>
        before.nodes === now.nodes &&
        before.links === now.links &&
        before.name === now.name &&
        before.description === now.description,
      handleSet: (record) => grouped(record),
    },
  ),
);

const GROUP_MS = 400;

/** Letters that are typed one after the other, and a drag, are one step. */
function grouped<F extends (...args: never[]) => void>(record: F): F {
  let last = 0;
  return ((...args: never[]) => {
    const now = Date.now();
    if (now - last > GROUP_MS) record(...args);
    last = now;
  }) as F;
}

/** A saved graph as a draft. */
export function draftFrom(graph: Graph): Draft {
  return {
    name: graph.name,
    description: graph.description,
    nodes: graph.nodes.map((node) => {
      const metadata = (node.metadata ?? {}) as DraftNode["metadata"];
      return {
        id: node.id ?? crypto.randomUUID(),
        block_id: node.block_id,
        input_default: (node.input_default ?? {}) as Record<string, unknown>,
        metadata: { ...metadata, position: metadata.position ?? { x: 0, y: 0 } },
      };
    }),
    links: graph.links.map((link) => ({
      id: link.id ?? crypto.randomUUID(),
      source_id: link.source_id,
      source_name: link.source_name,
      sink_id: link.sink_id,
      sink_name: link.sink_name,
      is_static: link.is_static ?? false,
    })),
  };
}

/** Copies with new ids, moved a little, and the links among them. */
export function copies(
  draft: Draft,
  ids: ReadonlySet<string>,
  by = { x: 40, y: 40 },
): [DraftNode[], DraftLink[]] {
  const fresh = new Map([...ids].map((id) => [id, crypto.randomUUID() as string]));
  const nodes = draft.nodes
    .filter((node) => ids.has(node.id))
    .map((node) => ({
      ...structuredClone(node),
      id: fresh.get(node.id)!,
      metadata: {
        ...structuredClone(node.metadata),
        position: { x: node.metadata.position.x + by.x, y: node.metadata.position.y + by.y },
      },
    }));
  const links = draft.links
    .filter((link) => ids.has(link.source_id) && ids.has(link.sink_id))
    .map((link) => ({
      ...link,
      id: crypto.randomUUID(),
      source_id: fresh.get(link.source_id)!,
      sink_id: fresh.get(link.sink_id)!,
    }));
  return [nodes, links];
}

export function sameDraft(a: Draft, b: Draft): boolean {
  return JSON.stringify(draftOf(a)) === JSON.stringify(draftOf(b));
}
