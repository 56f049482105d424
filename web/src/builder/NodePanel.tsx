/** The form of the selected node: its name, its inputs, how it is run. */
import { Copy, Trash2 } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { titleOf } from "../canvas/flow";
import { type Block, blockTitle, type Schema } from "../data/blocks";
import { SchemaForm } from "../forms/SchemaForm";
import type { NodeSummary } from "../runs/model";
import { Button, IconButton } from "../ui/button";
import { Field, Input, Select, TextArea } from "../ui/field";
import { JsonView } from "../ui/json";
import { StatusBadge } from "../ui/status";
import { copies, type DraftNode, useBuilder } from "./store";

interface Policy {
  retries?: number;
  timeout_s?: number;
  on_error?: string;
  disabled?: boolean;
  pinned?: unknown;
}

export function NodePanel(props: {
  node: DraftNode;
  block: Block | undefined;
  blocks: ReadonlyMap<string, Block>;
  state: NodeSummary | undefined;
  problem: string | undefined;
}) {
  const { t } = useTranslation("builder");
  const { node, block } = props;
  const links = useBuilder((state) => state.links);
  const nodes = useBuilder((state) => state.nodes);
  const { setInputs, setMeta, remove, add } = useBuilder.getState();
  const linked = useMemo(() => {
    const names = new Map(nodes.map((each) => [each.id, titleOf(each, props.blocks.get(each.block_id))]));
    return new Map(
      links
        .filter((link) => link.sink_id === node.id)
        .map((link) => [link.sink_name, `${names.get(link.source_id) ?? "?"} · ${link.source_name}`]),
    );
  }, [links, nodes, node.id, props.blocks]);
  const policy = (node.metadata.policy ?? {}) as Policy;
  const put = (changes: Policy) => {
    const next = Object.fromEntries(
      Object.entries({ ...policy, ...changes }).filter(([, value]) => value !== undefined),
    );
    setMeta(node.id, { policy: Object.keys(next).length ? next : undefined });
  };
  const note = block?.uiType === "Note";
  const outputs = props.state?.newest.output;

  return (
    <div className="flex flex-col gap-5 p-4">
      <div className="flex items-start justify-between gap-2">
        <div className="min-w-0">
          <p className="text-xs text-muted">{block ? blockTitle(block.name) : node.block_id}</p>
          <p className="font-semibold break-words">{titleOf(node, block)}</p>
        </div>
        <div className="flex shrink-0">
          <IconButton
            small
            label={t("duplicate")}
            icon={<Copy className="size-4" />}
            onClick={() => add(...copies(useBuilder.getState(), new Set([node.id])))}
          />
          <IconButton
            small
            label={t("common:delete")}
            icon={<Trash2 className="size-4" />}
            onClick={() => remove(new Set([node.id]), new Set())}
          />
        </div>
      </div>
      {props.problem && <p className="rounded-lg bg-bad-soft px-3 py-2 text-sm text-bad">{props.problem}</p>}
      {note ? (
        <Field label={t("note")} hint={t("noteHint")}>
          {(wired) => (
            <TextArea
              {...wired}
              className="min-h-48"
              value={String(node.input_default.text ?? "")}
              onChange={(event) => setInputs(node.id, { ...node.input_default, text: event.target.value })}
            />
          )}
        </Field>
      ) : (
        <>
          <Field label={t("name")}>
            {(wired) => (
              <Input
                {...wired}
                placeholder={block ? blockTitle(block.name) : ""}
                value={node.metadata.customized_name ?? ""}
                onChange={(event) => setMeta(node.id, { customized_name: event.target.value || undefined })}
              />
            )}
          </Field>
          {block && (
            <SchemaForm
              key={node.id}
              schema={block.inputSchema as Schema}
              values={node.input_default}
              onChange={(values) => setInputs(node.id, values)}
              linked={linked}
            />
          )}
          <details className="text-sm" open={Object.keys(policy).length > 0}>
            <summary className="cursor-pointer font-medium text-muted">{t("policy.title")}</summary>
            <div className="mt-3 grid grid-cols-2 gap-3">
              <Field label={t("policy.retries")}>
                {(wired) => (
                  <Input
                    {...wired}
                    type="number"
                    min={0}
                    max={20}
                    value={policy.retries ?? ""}
                    onChange={(event) =>
                      put({ retries: event.target.value ? event.target.valueAsNumber : undefined })
                    }
                  />
                )}
              </Field>
              <Field label={t("policy.timeout")}>
                {(wired) => (
                  <Input
                    {...wired}
                    type="number"
                    min={0}
                    step="any"
                    value={policy.timeout_s ?? ""}
                    onChange={(event) =>
                      put({ timeout_s: event.target.value ? event.target.valueAsNumber : undefined })
                    }
                  />
                )}
              </Field>
              <Field label={t("policy.onError")} className="col-span-2">
                {(wired) => (
                  <Select
                    {...wired}
                    value={policy.on_error ?? ""}
                    onChange={(event) => put({ on_error: event.target.value || undefined })}
                  >
                    <option value="">{t("policy.error")}</option>
                    <option value="fail">{t("policy.fail")}</option>
                    <option value="continue">{t("policy.continue")}</option>
                  </Select>
                )}
              </Field>
              <label className="col-span-2 flex items-center gap-2">
                <input
                  type="checkbox"
                  checked={policy.disabled ?? false}
                  onChange={(event) => put({ disabled: event.target.checked || undefined })}
                />
                {t("policy.disabled")}
              </label>
            </div>
          </details>
          {props.state && outputs && (
            <section className="flex flex-col gap-2">
              <div className="flex items-center justify-between">
                <h3 className="text-xs font-medium text-muted">{t("lastRun")}</h3>
                <StatusBadge status={props.state.status} />
              </div>
              <JsonView value={outputs} className="max-h-72" />
              {props.state.newest.error && <p className="text-sm text-bad">{props.state.newest.error}</p>}
              <Button
                small
                className="self-start"
                onClick={() => put({ pinned: policy.pinned === undefined ? outputs : undefined })}
              >
                {policy.pinned === undefined ? t("pin") : t("unpin")}
              </Button>
            </section>
          )}
        </>
      )}
    </div>
  );
}
