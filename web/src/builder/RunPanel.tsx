/** A test run from the builder: inputs, and the pinned outputs count. */
import { Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schema } from "../data/blocks";
import { useGraph, useRunGraph } from "../data/graphs";
import { SchemaForm, type Values } from "../forms/SchemaForm";
import { Button } from "../ui/button";
import { Dialog } from "../ui/overlay";
import { Failure, Loading } from "../ui/states";

export function RunPanel(props: { graphId: string; onClose: () => void; onRun: (id: string) => void }) {
  const { t } = useTranslation("builder");
  const graph = useGraph(props.graphId);
  const run = useRunGraph();
  const [values, setValues] = useState<Values>({});
  const [dry, setDry] = useState(false);
  const start = () =>
    run.mutate(
      {
        id: props.graphId,
        key: crypto.randomUUID(),
        body: {
          inputs: values,
          test: true,
          dry_run: dry,
          timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        },
      },
      { onSuccess: (made) => props.onRun(made.id) },
    );
  return (
    <Dialog open onOpenChange={props.onClose} title={t("testRun")} description={t("testRunText")}>
      {graph.isFetching ? (
        <Loading rows={2} />
      ) : (
        <form
          className="flex flex-col gap-5"
          onSubmit={(event) => {
            event.preventDefault();
            start();
          }}
        >
          <SchemaForm
            schema={(graph.data?.input_schema ?? {}) as Schema}
            values={values}
            onChange={setValues}
          />
          <label className="flex items-center gap-2 text-sm">
            <input type="checkbox" checked={dry} onChange={(event) => setDry(event.target.checked)} />
            {t("dry")}
          </label>
          {run.isError && <Failure error={run.error} />}
          <Button type="submit" look="primary" icon={<Play className="size-4" />} busy={run.isPending}>
            {t("run")}
          </Button>
        </form>
      )}
    </Dialog>
  );
}
