/** Blocks at the pointer: those that accept what was being dragged come first. */
import { Command } from "cmdk";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { familyOf, fit, type Family } from "../canvas/types";
import { type Block, blockTitle, pinsOf, type Schema } from "../data/blocks";

export interface Asked {
  at: { x: number; y: number };
  from?: { node: string; pin: string; side: "source" | "target"; family: Family };
}

/** The pin of a block that a dragged link would end at; null: none. */
export function pinFor(block: Block, from: NonNullable<Asked["from"]>): string | null {
  const schema = (from.side === "source" ? block.inputSchema : block.outputSchema) as Schema;
  const pins = pinsOf(schema).filter(([name]) => name !== "error");
  const how = ([, pin]: [string, Schema]) => {
    const other = familyOf(pin, schema);
    return from.side === "source" ? fit(from.family, other) : fit(other, from.family);
  };
  return (
    (pins.find((pin) => how(pin) === "same") ?? pins.find((pin) => how(pin) === "converts"))?.[0] ?? null
  );
}

export function QuickAdd(props: {
  asked: Asked;
  blocks: Block[];
  onPick: (block: Block, pin: string | null) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("builder");
  const box = useRef<HTMLDivElement>(null);
  const { asked, onClose } = props;
  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    window.addEventListener("pointerdown", away);
    return () => window.removeEventListener("pointerdown", away);
  }, [onClose]);
  const fitting = asked.from
    ? props.blocks.flatMap((block) => {
        const pin = pinFor(block, asked.from!);
        return pin ? [{ block, pin }] : [];
      })
    : props.blocks.map((block) => ({ block, pin: null }));
  return (
    <div
      ref={box}
      style={{ left: Math.min(asked.at.x, innerWidth - 330), top: Math.min(asked.at.y, innerHeight - 360) }}
      className="fixed z-40 w-80 overflow-hidden rounded-xl border bg-raised shadow-panel"
    >
      <Command label={t("quick.title")} loop onKeyDown={(event) => event.key === "Escape" && onClose()}>
        <Command.Input
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the menu was asked for, and is typed into
          autoFocus
          placeholder={t("quick.ask")}
          className="h-10 w-full border-b bg-transparent px-3 text-sm outline-none"
        />
        <Command.List className="max-h-72 overflow-y-auto p-1.5">
          <Command.Empty className="p-3 text-sm text-muted">{t("palette.none")}</Command.Empty>
          {fitting.map(({ block, pin }) => (
            <Command.Item
              key={block.id}
              value={`${blockTitle(block.name)} ${block.description.slice(0, 80)} ${block.id}`}
              onSelect={() => props.onPick(block, pin)}
              className="cursor-pointer rounded-lg px-2.5 py-1.5 text-sm data-[selected=true]:bg-sunken"
            >
              {blockTitle(block.name)}
              {pin && <span className="ml-2 text-xs text-muted">{pin}</span>}
            </Command.Item>
          ))}
        </Command.List>
      </Command>
    </div>
  );
}
