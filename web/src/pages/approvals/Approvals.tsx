/** What waits for a person: the data, to be edited if the block allows it, and the answer. */
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Inbox, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { toast } from "sonner";
import { api, type Schemas, taken } from "../../api/client";
import { useGraphNames } from "../../data/graphs";
import { Button } from "../../ui/button";
import { Field, Input, TextArea } from "../../ui/field";
import { JsonView } from "../../ui/json";
import { Card, Page } from "../../ui/page";
import { Empty, Failure, Loading, messageOf } from "../../ui/states";
import { Time } from "../../ui/time";

type Review = Schemas["ReviewOut"];

export default function Approvals() {
  const { t } = useTranslation("approvals");
  const names = useGraphNames();
  const waiting = useQuery({
    queryKey: ["executions", "review"],
    queryFn: () =>
      taken(
        api.GET("/api/v1/executions", {
          params: { query: { status: ["REVIEW", "RUNNING"], limit: 50 } as never },
        }),
      ),
    refetchInterval: 10_000,
  });
  const reviews = useQueries({
    queries: (waiting.data?.items ?? []).map((run) => ({
      queryKey: ["reviews", run.id],
      queryFn: () =>
        taken(
          api.GET("/api/v1/executions/{execution_id}/reviews", {
            params: { path: { execution_id: run.id } },
          }),
        ),
    })),
  });
  const open = reviews.flatMap((each, index) => {
    const run = waiting.data?.items[index];
    const found = (each.data as { items?: Review[] } | Review[] | undefined) ?? [];
    const items = Array.isArray(found) ? found : (found.items ?? []);
    return run
      ? items.filter((review) => review.status === "WAITING").map((review) => ({ run, review }))
      : [];
  });
  const pending = waiting.isPending || reviews.some((each) => each.isPending);
  return (
    <Page title={t("title")} text={t("text")}>
      {waiting.isError ? (
        <Failure error={waiting.error} retry={() => void waiting.refetch()} />
      ) : pending && open.length === 0 ? (
        <Loading rows={2} />
      ) : open.length === 0 ? (
        <Empty icon={<Inbox />} title={t("empty.title")} text={t("empty.text")} />
      ) : (
        <ul className="flex flex-col gap-4">
          {open.map(({ run, review }) => (
            <li key={review.node_exec_id}>
              <Card>
                <div className="mb-3 flex flex-wrap items-center gap-3">
                  <h2 className="font-semibold">{review.instructions ?? t("decide")}</h2>
                  <span className="ml-auto text-xs text-muted">
                    <Link to={`/runs/${run.id}`} className="text-accent hover:underline">
                      {names.get(run.graph_id ?? "") ?? run.id.slice(-8)}
                    </Link>{" "}
                    · <Time at={review.since} />
                  </span>
                </div>
                <Answer review={review} />
              </Card>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}

function Answer({ review }: { review: Review }) {
  const { t } = useTranslation("approvals");
  const queries = useQueryClient();
  const [text, setText] = useState(() => JSON.stringify(review.payload, null, 2));
  const [message, setMessage] = useState("");
  const [wrong, setWrong] = useState(false);
  const answer = useMutation({
    mutationFn: (body: Schemas["ReviewIn"]) =>
      taken(
        api.POST("/api/v1/reviews/{node_execution_id}", {
          params: { path: { node_execution_id: review.node_exec_id } },
          body,
        }),
      ),
    onSuccess: () => {
      toast.success(t("answered"));
      return Promise.all([
        queries.invalidateQueries({ queryKey: ["reviews"] }),
        queries.invalidateQueries({ queryKey: ["executions"] }),
      ]);
    },
    onError: (error) => toast.error(messageOf(error)),
  });

  function send(approved: boolean) {
    const note = message ? { message } : {};
    if (!review.editable || !approved) return answer.mutate({ approved, ...note });
    try {
      const data: unknown = JSON.parse(text);
      const edited = JSON.stringify(data) !== JSON.stringify(review.payload);
      answer.mutate({ approved, ...note, ...(edited ? { data } : {}) } as Schemas["ReviewIn"]);
    } catch {
      setWrong(true);
    }
  }

  return (
    <div className="flex flex-col gap-4">
      {review.editable ? (
        <Field label={t("data")} hint={t("dataHint")} error={wrong ? t("noJson") : undefined}>
          {(wired) => (
            <TextArea
              {...wired}
              spellCheck={false}
              className="min-h-32 font-mono text-xs"
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                setWrong(false);
              }}
            />
          )}
        </Field>
      ) : (
        <JsonView value={review.payload} />
      )}
      <Field label={t("message")}>
        {(wired) => <Input {...wired} value={message} onChange={(event) => setMessage(event.target.value)} />}
      </Field>
      <div className="flex gap-2">
        <Button
          look="primary"
          icon={<Check className="size-4" />}
          busy={answer.isPending}
          onClick={() => send(true)}
        >
          {t("approve")}
        </Button>
        <Button
          look="danger"
          icon={<X className="size-4" />}
          busy={answer.isPending}
          onClick={() => send(false)}
        >
          {t("reject")}
        </Button>
      </div>
    </div>
  );
}
