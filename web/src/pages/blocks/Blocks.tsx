/** The catalogue: every block of this installation with its pins. */
import { Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { categoryOf, found } from "../../builder/Palette";
import { COLOURS, familyOf } from "../../canvas/types";
import { type Block, blockTitle, pinsOf, type Schema, useBlocks } from "../../data/blocks";
import { Input } from "../../ui/field";
import { CopyButton } from "../../ui/json";
import { Badge, Card, Page } from "../../ui/page";
import { Failure, Loading } from "../../ui/states";

export default function Blocks() {
  const { t } = useTranslation("blocks");
  const blocks = useBlocks();
  const [text, setText] = useState("");
  const [query, setQuery] = useSearchParams();
  const wanted = useDeferredValue(text);
  const shown = found(blocks.data ?? [], wanted);
  const chosen = blocks.data?.find((block) => block.id === query.get("block"));
  return (
    <Page title={t("title")} text={t("text", { count: blocks.data?.length ?? 0 })}>
      <div className="relative mb-4 max-w-sm">
        <Search className="absolute top-2.5 left-3 size-4 text-muted" aria-hidden />
        <Input
          type="search"
          className="pl-9"
          aria-label={t("search")}
          placeholder={t("search")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {blocks.isPending && <Loading rows={6} />}
      {blocks.isError && <Failure error={blocks.error} retry={() => void blocks.refetch()} />}
      <div className="grid gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
        <ul className="flex max-h-[70vh] flex-col gap-1 overflow-auto pr-1">
          {shown.map((block) => (
            <li key={block.id}>
              <button
                type="button"
                aria-pressed={block.id === chosen?.id}
                onClick={() => setQuery({ block: block.id })}
                className="w-full rounded-xl border bg-panel px-4 py-2.5 text-left hover:border-accent aria-pressed:border-accent aria-pressed:bg-accent-soft"
              >
                <span className="flex items-center gap-2 font-medium">
                  {blockTitle(block.name)}
                  <Badge className="ml-auto">{categoryOf(block).toLowerCase().replaceAll("_", " ")}</Badge>
                </span>
                <span className="line-clamp-2 text-sm text-muted">{block.description}</span>
              </button>
            </li>
          ))}
          {blocks.data && shown.length === 0 && <li className="text-sm text-muted">{t("none", { text })}</li>}
        </ul>
        <Card className="self-start">
          {chosen ? <Details block={chosen} /> : <p className="text-sm text-muted">{t("choose")}</p>}
        </Card>
      </div>
    </Page>
  );
}

function Details({ block }: { block: Block }) {
  const { t } = useTranslation("blocks");
  return (
    <div className="flex flex-col gap-4">
      <div>
        <h2 className="text-lg font-semibold">{blockTitle(block.name)}</h2>
        <p className="mt-1 text-sm whitespace-pre-line">{block.description}</p>
        <p className="mt-2 flex items-center gap-1 text-xs text-muted">
          <code>{block.id}</code>
          <CopyButton text={() => block.id} />
          <span>· {t("lane", { lane: block.lane })}</span>
        </p>
      </div>
      <Pins title={t("inputs")} schema={block.inputSchema as Schema} />
      <Pins title={t("outputs")} schema={block.outputSchema as Schema} />
    </div>
  );
}

function Pins({ title, schema }: { title: string; schema: Schema }) {
  const { t } = useTranslation("blocks");
  const pins = pinsOf(schema);
  const required = new Set(schema.required ?? []);
  if (pins.length === 0) return null;
  return (
    <section>
      <h3 className="mb-2 text-xs font-semibold text-muted">{title}</h3>
      <dl className="flex flex-col gap-2 text-sm">
        {pins.map(([name, pin]) => {
          const family = familyOf(pin, schema);
          return (
            <div key={name}>
              <dt className="flex items-center gap-2">
                <span className="size-2.5 rounded-full" style={{ background: COLOURS[family] }} aria-hidden />
                <code>{name}</code>
                <span className="text-xs text-muted">{t(`common:family.${family}`)}</span>
                {required.has(name) && title === t("inputs") && <Badge tone="warn">{t("required")}</Badge>}
              </dt>
              {pin.description && <dd className="ml-4.5 text-muted">{pin.description}</dd>}
            </div>
          );
        })}
      </dl>
    </section>
  );
}
