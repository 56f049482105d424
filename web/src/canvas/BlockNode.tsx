/** A node on the canvas: its block, its pins, and how it fares. Drawn as a bare box when one is far away. */
import { Handle, type Node, type NodeProps, Position, useStore } from "@xyflow/react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../lib/cn";
import { StatusBadge } from "../ui/status";
import { COLOURS, type Family } from "./types";

export interface Pin {
  name: string;
  title: string;
  family: Family;
  required?: boolean;
  linked?: boolean;
}

export interface BlockData extends Record<string, unknown> {
  title: string;
  block: string;
  category: string;
  inputs: Pin[];
  outputs: Pin[];
  problem?: string | null;
  off?: boolean;
  pinned?: boolean;
  status?: string | null;
  runs?: number;
  preview?: string | null;
  note?: string | null;
}

export type BlockNodeType = Node<BlockData, "block">;

export const NODE_WIDTH = 250;
const HEAD = 46;
const ROW = 24;

export function nodeHeight(data: Pick<BlockData, "inputs" | "outputs">): number {
  return HEAD + Math.max(1, data.inputs.length, data.outputs.length) * ROW + 14;
}

const RINGS: Record<string, string> = {
  RUNNING: "border-info ring-2 ring-info/30",
  COMPLETED: "border-ok",
  FAILED: "border-bad ring-2 ring-bad/25",
  REVIEW: "border-accent ring-2 ring-accent/40",
  QUEUED: "border-line-strong",
  INCOMPLETE: "border-warn",
  TERMINATED: "border-warn",
};

const FAR = 0.35;

export const BlockNode = memo(function BlockNode({ data, selected }: NodeProps<BlockNodeType>) {
  const { t } = useTranslation();
  const far = useStore((state) => state.transform[2] < FAR);
  const ring = data.status ? RINGS[data.status] : data.problem ? "border-bad" : "border-line-strong";
  return (
    <div
      style={{ width: NODE_WIDTH, minHeight: nodeHeight(data) }}
      className={cn(
        "rounded-xl border bg-panel text-ink shadow-panel",
        ring,
        selected && "outline-2 outline-offset-2 outline-accent",
        data.off && "opacity-55",
      )}
    >
      <div className="flex items-center gap-2 border-b px-3 py-2">
        <div className="min-w-0 flex-1">
          <div className="truncate text-sm font-semibold">{data.title}</div>
          <div className="truncate text-[11px] text-muted">{data.block}</div>
        </div>
        {data.pinned && <span title={t("pinned")}>📌</span>}
        {!far && data.status && <StatusBadge status={data.status} />}
        {!!data.runs && data.runs > 1 && (
          <span className="text-xs text-muted tabular-nums">×{data.runs}</span>
        )}
      </div>
      <div className="flex justify-between gap-2 py-1.5">
        <ul className="min-w-0 flex-1">
          {data.inputs.map((pin) => (
            <PinRow key={pin.name} pin={pin} side="in" far={far} />
          ))}
        </ul>
        <ul className="min-w-0 flex-1 text-right">
          {data.outputs.map((pin) => (
            <PinRow key={pin.name} pin={pin} side="out" far={far} />
          ))}
        </ul>
      </div>
      {!far && data.preview && (
        <div className="line-clamp-3 border-t bg-sunken px-3 py-1.5 font-mono text-[11px] break-all whitespace-pre-wrap text-muted">
          {data.preview}
        </div>
      )}
      {!far && data.problem && (
        <div className="border-t bg-bad-soft px-3 py-1.5 text-[11px] text-bad">{data.problem}</div>
      )}
    </div>
  );
});

function PinRow({ pin, side, far }: { pin: Pin; side: "in" | "out"; far: boolean }) {
  const { t } = useTranslation();
  return (
    <li className="relative h-6 px-3 text-xs leading-6" title={`${pin.title} · ${t(`family.${pin.family}`)}`}>
      <Handle
        id={pin.name}
        type={side === "in" ? "target" : "source"}
        position={side === "in" ? Position.Left : Position.Right}
        aria-label={`${pin.title}, ${t(`family.${pin.family}`)}`}
        className="!size-3 !border-2 !border-panel"
        style={{ background: COLOURS[pin.family] }}
      />
      {!far && (
        <span className="block truncate text-muted">
          {pin.name}
          {pin.required && !pin.linked && <span className="text-bad">*</span>}
        </span>
      )}
    </li>
  );
}
