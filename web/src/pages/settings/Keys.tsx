/** API keys of the account: made once, shown once, narrowed by scopes. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { api, type Schemas, taken } from "../../api/client";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { CopyButton } from "../../ui/json";
import { Confirm, Dialog } from "../../ui/overlay";
import { Badge, Page } from "../../ui/page";
import { Empty, Failure, Loading, messageOf } from "../../ui/states";
import { Time } from "../../ui/time";

type Scope = Schemas["Scope"];
type Key = Schemas["KeyOut"];

const SCOPES: Scope[] = [
  "EXECUTE_GRAPH",
  "READ_GRAPH",
  "WRITE_GRAPH",
  "EXECUTE_BLOCK",
  "READ_BLOCK",
  "READ_FILES",
  "WRITE_FILES",
  "USE_TOOLS",
  "READ_INTEGRATIONS",
  "MANAGE_INTEGRATIONS",
  "DELETE_INTEGRATIONS",
  "IDENTITY",
];

export default function Keys() {
  const { t } = useTranslation("settings");
  const [making, make] = useState(false);
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => taken(api.GET("/api/v1/api-keys")) });
  const open = keys.data?.items.filter((key) => !key.revoked_at) ?? [];
  const add = (
    <Button look="primary" icon={<Plus className="size-4" />} onClick={() => make(true)}>
      {t("keys.new")}
    </Button>
  );
  return (
    <Page title={t("keys.title")} text={t("keys.text")} actions={add}>
      {keys.isPending && <Loading rows={3} />}
      {keys.isError && <Failure error={keys.error} retry={() => void keys.refetch()} />}
      {keys.data && open.length === 0 && (
        <Empty icon={<KeyRound />} title={t("keys.none")} text={t("keys.noneText")} action={add} />
      )}
      <ul className="flex flex-col gap-3">
        {open.map((key) => (
          <KeyRow key={key.id} item={key} />
        ))}
      </ul>
      {making && <NewKey onClose={() => make(false)} />}
    </Page>
  );
}

function KeyRow({ item }: { item: Key }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [asking, ask] = useState(false);
  const revoke = useMutation({
    mutationFn: () =>
      taken(api.DELETE("/api/v1/api-keys/{key_id}", { params: { path: { key_id: item.id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
    onError: (error) => toast.error(messageOf(error)),
  });
  return (
    <li className="flex flex-wrap items-center gap-3 rounded-2xl border bg-panel p-4">
      <div className="min-w-48 flex-1">
        <p className="font-medium">{item.name}</p>
        <p className="text-xs text-muted">
          <code>{item.prefix}…</code> · {t("keys.used")}{" "}
          {item.last_used_at ? <Time at={item.last_used_at} /> : t("common:never")}
        </p>
      </div>
      <div className="flex max-w-md flex-wrap gap-1">
        {item.scopes.map((scope) => (
          <Badge key={scope}>{scope}</Badge>
        ))}
      </div>
      <Button small look="danger" onClick={() => ask(true)}>
        {t("keys.revoke")}
      </Button>
      <Confirm
        open={asking}
        onOpenChange={ask}
        title={t("keys.revokeTitle", { name: item.name })}
        text={t("keys.revokeText")}
        action={t("keys.revoke")}
        busy={revoke.isPending}
        onConfirm={() => revoke.mutate()}
      />
    </li>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(["EXECUTE_GRAPH", "READ_GRAPH"]));
  const made = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/api-keys", { body: { name, scopes: [...scopes] } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t("keys.new")}
      description={made.data ? t("keys.once") : t("keys.newText")}
    >
      {made.data ? (
        <div className="flex items-center gap-2">
          <Input
            readOnly
            aria-label={t("keys.key")}
            value={made.data.key}
            onFocus={(event) => event.target.select()}
          />
          <CopyButton text={() => made.data.key} />
        </div>
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            made.mutate();
          }}
        >
          <Field label={t("name")} required>
            {(wired) => (
              <Input {...wired} required value={name} onChange={(event) => setName(event.target.value)} />
            )}
          </Field>
          <fieldset>
            <legend className="mb-2 text-sm font-medium">{t("keys.scopes")}</legend>
            <div className="grid grid-cols-1 gap-1.5 sm:grid-cols-2">
              {SCOPES.map((scope) => (
                <label key={scope} className="flex items-center gap-2 text-sm">
                  <input
                    type="checkbox"
                    checked={scopes.has(scope)}
                    onChange={(event) =>
                      setScopes((before) => {
                        const next = new Set(before);
                        if (event.target.checked) next.add(scope);
                        else next.delete(scope);
                        return next;
                      })
                    }
                  />
                  {t(`scope.${scope}`)}
                </label>
              ))}
            </div>
          </fieldset>
          {made.isError && <Failure error={made.error} />}
          <Button type="submit" look="primary" busy={made.isPending} disabled={scopes.size === 0}>
            {t("common:create")}
          </Button>
        </form>
      )}
    </Dialog>
  );
}
