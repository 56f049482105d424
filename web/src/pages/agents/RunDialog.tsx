/** Asks for the inputs of an agent and starts it. */
import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { type Schema } from "../../data/blocks";
import { useGraph, useRunGraph } from "../../data/graphs";
import { problemOf, resolved } from "../../forms/schema";
import { SchemaForm, type Values } from "../../forms/SchemaForm";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Dialog } from "../../ui/overlay";
import { Failure, Loading } from "../../ui/states";

export function RunDialog(props: {
  graphId: string;
  version?: number;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const { t } = useTranslation("agents");
  const graph = useGraph(props.open ? props.graphId : null, props.version ?? null);
  return (
    <Dialog
      open={props.open}
      onOpenChange={props.onOpenChange}
      title={graph.data ? t("run.title", { name: graph.data.name }) : t("run.do")}
      description={graph.data?.instructions ?? graph.data?.description}
    >
      {graph.isPending && <Loading rows={2} />}
      {graph.isError && <Failure error={graph.error} />}
      {graph.data && (
        <RunForm graphId={props.graphId} version={props.version} schema={graph.data.input_schema as Schema} />
      )}
    </Dialog>
  );
}

function RunForm(props: { graphId: string; version: number | undefined; schema: Schema }) {
  const { t } = useTranslation("agents");
  const [values, setValues] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const [dry, setDry] = useState(false);
  const [budget, setBudget] = useState("");
  const [key] = useState(() => crypto.randomUUID());
  const run = useRunGraph();
  const go = useNavigate();
  const required = props.schema.required ?? [];
  const missing = Object.entries(props.schema.properties ?? {}).some(
    ([name, pin]) =>
      problemOf(resolved(pin, props.schema), values[name] ?? pin.default, required.includes(name)) !== null,
  );

  async function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (missing) return;
    const body = {
      inputs: values,
      dry_run: dry,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...(props.version ? { version: props.version } : {}),
      ...(budget ? { budget_microusd: Math.round(Number(budget) * 1e6) } : {}),
    };
    const made = await run.mutateAsync({
      id: props.graphId,
      body,
      key: `${key}-${JSON.stringify(body).length}`,
    });
    void go(`/runs/${made.id}`);
  }

  return (
    <form className="flex flex-col gap-5" onSubmit={(event) => void submit(event).catch(() => undefined)}>
      <SchemaForm schema={props.schema} values={values} onChange={setValues} strict={tried} />
      <details className="text-sm">
        <summary className="cursor-pointer text-muted">{t("run.more")}</summary>
        <div className="mt-3 flex flex-col gap-4">
          <Field label={t("run.budget")} hint={t("run.budgetHint")}>
            {(wired) => (
              <Input
                {...wired}
                type="number"
                min={0}
                step="any"
                value={budget}
                onChange={(event) => setBudget(event.target.value)}
              />
            )}
          </Field>
          <label className="flex items-center gap-2">
            <input type="checkbox" checked={dry} onChange={(event) => setDry(event.target.checked)} />
            {t("run.dry")}
          </label>
        </div>
      </details>
      {run.isError && <Failure error={run.error} />}
      <Button type="submit" look="primary" icon={<Play className="size-4" />} busy={run.isPending}>
        {t("run.do")}
      </Button>
    </form>
  );
}
