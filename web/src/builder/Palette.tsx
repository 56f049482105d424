/** The blocks that there are: by category, to be searched, dragged or clicked. */
import { Search } from "lucide-react";
import { memo, useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Block, blockTitle } from "../data/blocks";
import { Input } from "../ui/field";
import { DRAGGED } from "./Canvas";

export function categoryOf(block: Block): string {
  const first = block.categories[0] as { category?: string } | string | undefined;
  return (typeof first === "string" ? first : first?.category) ?? "OTHER";
}

/** Blocks whose name or description has all words; those whose name begins with the text come first. */
export function found(blocks: Block[], text: string): Block[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return blocks;
  const score = (block: Block) => {
    const name = blockTitle(block.name).toLowerCase();
    const all = `${name} ${block.name.toLowerCase()} ${block.description.toLowerCase()} ${categoryOf(block).toLowerCase()}`;
    if (!words.every((word) => all.includes(word))) return -1;
    return name.startsWith(words.join(" ")) ? 3 : words.every((word) => name.includes(word)) ? 2 : 1;
  };
  return blocks
    .map((block) => [score(block), block] as const)
    .filter(([points]) => points > 0)
    .sort(([a], [b]) => b - a)
    .map(([, block]) => block);
}

export const Palette = memo(function Palette(props: { blocks: Block[]; onAdd: (block: Block) => void }) {
  const { t } = useTranslation("builder");
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text);
  const groups = useMemo(() => {
    const by = new Map<string, Block[]>();
    for (const block of found(props.blocks, wanted)) {
      const name = wanted ? "" : categoryOf(block);
      by.set(name, [...(by.get(name) ?? []), block]);
    }
    return [...by].sort(([a], [b]) => a.localeCompare(b));
  }, [props.blocks, wanted]);
  return (
    <div className="flex h-full flex-col">
      <div className="relative p-3">
        <Search className="absolute top-5.5 left-6 size-4 text-muted" aria-hidden />
        <Input
          id="palette-search"
          type="search"
          className="pl-9"
          aria-label={t("palette.search")}
          placeholder={t("palette.search")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4">
        {groups.map(([name, blocks]) => (
          <section key={name} className="mb-3">
            {name && (
              <h3 className="sticky top-0 z-10 bg-panel py-1 text-xs font-semibold text-muted">
                {t(`category.${name}`, { defaultValue: name.toLowerCase().replaceAll("_", " ") })} (
                {blocks.length})
              </h3>
            )}
            <ul className="flex flex-col gap-1">
              {blocks.map((block) => (
                <li key={block.id}>
                  <button
                    type="button"
                    draggable
                    title={block.description}
                    onDragStart={(event) => {
                      event.dataTransfer.setData(DRAGGED, block.id);
                      event.dataTransfer.effectAllowed = "copy";
                    }}
                    onClick={() => props.onAdd(block)}
                    className="w-full cursor-grab rounded-lg border bg-ground px-2.5 py-1.5 text-left hover:border-accent"
                  >
                    <span className="block truncate text-sm font-medium">{blockTitle(block.name)}</span>
                    <span className="line-clamp-2 text-xs text-muted">{block.description}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {groups.length === 0 && <p className="p-2 text-sm text-muted">{t("palette.none")}</p>}
      </div>
    </div>
  );
});
