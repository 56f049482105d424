import type { Node, NodeProps } from "@xyflow/react";
import { memo } from "react";
import Markdown from "react-markdown";
import gfm from "remark-gfm";

export type NoteNodeType = Node<{ text: string }, "note">;

/** A sticky note, in Markdown; HTML in it stays text. */
export const NoteNode = memo(function NoteNode({ data, selected }: NodeProps<NoteNodeType>) {
  return (
    <div
      className={`w-60 rounded-lg border border-warn/40 bg-warn-soft p-3 text-xs text-ink shadow-panel [&_a]:underline [&_li]:ml-4 [&_li]:list-disc ${selected ? "outline-2 outline-accent" : ""}`}
    >
      <Markdown remarkPlugins={[gfm]}>{data.text || "…"}</Markdown>
    </div>
  );
});
