/** The graph without a canvas: nodes as a list, links as sentences. Everything can be done from here with the keyboard. */
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { dataOf, titleOf } from "../canvas/flow";
import type { Block } from "../data/blocks";
import { Button, IconButton } from "../ui/button";
import { Select } from "../ui/field";
import { type DraftNode, useBuilder } from "./store";

interface Props {
  blocks: ReadonlyMap<string, Block>;
  problems: ReadonlyMap<string, string>;
  onAdd: () => void;
}

export default function ListView({ blocks, problems, onAdd }: Props) {
  const { t } = useTranslation("builder");
  const nodes = useBuilder((state) => state.nodes);
  const links = useBuilder((state) => state.links);
  const selected = useBuilder((state) => state.selected);
  const { select, remove } = useBuilder.getState();
  const title = (id: string) => {
    const node = nodes.find((each) => each.id === id);
    return node ? titleOf(node, blocks.get(node.block_id)) : "?";
  };
  return (
    <div className="h-full overflow-auto p-4">
      <div className="mb-3 flex items-center justify-between">
        <h2 className="font-semibold">{t("list.nodes", { count: nodes.length })}</h2>
        <Button small icon={<Plus className="size-3.5" />} onClick={onAdd}>
          {t("list.add")}
        </Button>
      </div>
      <ul className="flex flex-col gap-2">
        {nodes.map((node) => (
          <li key={node.id} className="rounded-xl border bg-panel p-3">
            <div className="flex items-center gap-2">
              <button
                type="button"
                aria-pressed={selected.has(node.id)}
                className="flex-1 rounded text-left font-medium aria-pressed:text-accent"
                onClick={() => select(new Set([node.id]))}
              >
                {titleOf(node, blocks.get(node.block_id))}
              </button>
              <IconButton
                small
                label={t("list.remove", { name: title(node.id) })}
                icon={<Trash2 className="size-4" />}
                onClick={() => remove(new Set([node.id]), new Set())}
              />
            </div>
            {problems.get(node.id) && <p className="text-xs text-bad">{problems.get(node.id)}</p>}
            <ul className="mt-1 text-sm text-muted">
              {links
                .filter((link) => link.source_id === node.id)
                .map((link) => (
                  <li key={link.id} className="flex items-center gap-2">
                    <span>
                      {link.source_name} → {title(link.sink_id)} · {link.sink_name}
                    </span>
                    <IconButton
                      small
                      label={t("list.unlink", { from: link.source_name, to: title(link.sink_id) })}
                      icon={<Trash2 className="size-3.5" />}
                      onClick={() => remove(new Set(), new Set([link.id]))}
                    />
                  </li>
                ))}
            </ul>
            <Connector node={node} nodes={nodes} blocks={blocks} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Connector(props: { node: DraftNode; nodes: DraftNode[]; blocks: ReadonlyMap<string, Block> }) {
  const { t } = useTranslation("builder");
  const { node, nodes, blocks } = props;
  const links = useBuilder((state) => state.links);
  const [pin, setPin] = useState("");
  const [target, setTarget] = useState("");
  const outputs = dataOf(node, links, blocks).outputs;
  const targets = nodes
    .filter((each) => each.id !== node.id)
    .flatMap((each) =>
      dataOf(each, links, blocks).inputs.map((input) => ({
        value: `${each.id}|${input.name}`,
        label: `${titleOf(each, blocks.get(each.block_id))} · ${input.name}`,
      })),
    );
  if (outputs.length === 0 || targets.length === 0) return null;
  return (
    <div className="mt-2 flex flex-wrap items-center gap-2">
      <Select
        aria-label={t("list.from")}
        className="h-8 w-36 text-xs"
        value={pin}
        onChange={(event) => setPin(event.target.value)}
      >
        <option value="">{t("list.from")}</option>
        {outputs.map((each) => (
          <option key={each.name}>{each.name}</option>
        ))}
      </Select>
      <Select
        aria-label={t("list.to")}
        className="h-8 w-56 text-xs"
        value={target}
        onChange={(event) => setTarget(event.target.value)}
      >
        <option value="">{t("list.to")}</option>
        {targets.map((each) => (
          <option key={each.value} value={each.value}>
            {each.label}
          </option>
        ))}
      </Select>
      <Button
        small
        disabled={!pin || !target}
        onClick={() => {
          const [sink = "", ...rest] = target.split("|");
          useBuilder
            .getState()
            .connect({ source_id: node.id, source_name: pin, sink_id: sink, sink_name: rest.join("|") });
          setTarget("");
        }}
      >
        {t("list.connect")}
      </Button>
    </div>
  );
}
