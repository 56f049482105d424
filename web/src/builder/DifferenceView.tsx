import { useTranslation } from "react-i18next";
import { titleOf } from "../canvas/flow";
import { useBlockMap } from "../data/blocks";
import { difference } from "./difference";
import type { Draft, DraftNode } from "./store";

export function DifferenceView({ before, now }: { before: Draft; now: Draft }) {
  const { t } = useTranslation("builder");
  const blocks = useBlockMap();
  const found = difference(before, now);
  const name = (node: DraftNode) => titleOf(node, blocks.get(node.block_id));
  const lines = [
    ...found.added.map((node) => ["+", "text-ok", name(node)] as const),
    ...found.removed.map((node) => ["−", "text-bad", name(node)] as const),
    ...found.changed.map(
      ({ node, pins }) => ["~", "text-warn", `${name(node)}: ${pins.join(", ")}`] as const,
    ),
  ];
  if (found.linksAdded) lines.push(["+", "text-ok", t("diff.links", { count: found.linksAdded })]);
  if (found.linksRemoved) lines.push(["−", "text-bad", t("diff.links", { count: found.linksRemoved })]);
  if (lines.length === 0) return <p className="text-sm text-muted">{t("diff.none")}</p>;
  return (
    <ul className="max-h-72 overflow-auto rounded-lg bg-sunken p-3 text-sm">
      {lines.map(([sign, colour, text], index) => (
        <li key={index} className="flex gap-2">
          <span className={`w-4 font-mono font-semibold ${colour}`}>{sign}</span>
          <span className="break-words">{text}</span>
        </li>
      ))}
    </ul>
  );
}
