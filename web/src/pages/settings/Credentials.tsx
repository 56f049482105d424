/** Keys and passwords of other services, for blocks. They are sealed at once: nobody, not even their owner, reads them again. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Vault } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { api, type Schemas, taken } from "../../api/client";
import { Button } from "../../ui/button";
import { Field, Input, Select } from "../../ui/field";
import { Confirm, Dialog } from "../../ui/overlay";
import { Badge, Page } from "../../ui/page";
import { Empty, Failure, Loading, messageOf } from "../../ui/states";
import { Time } from "../../ui/time";

type Credential = Schemas["CredentialOut"];

export default function Credentials() {
  const { t } = useTranslation("settings");
  const [making, make] = useState(false);
  const all = useQuery({
    queryKey: ["credentials"],
    queryFn: () => taken(api.GET("/api/v1/credentials", { params: { query: { limit: 100 } } })),
  });
  const add = (
    <Button look="primary" icon={<Plus className="size-4" />} onClick={() => make(true)}>
      {t("credentials.new")}
    </Button>
  );
  return (
    <Page title={t("credentials.title")} text={t("credentials.text")} actions={add}>
      {all.isPending && <Loading rows={3} />}
      {all.isError && <Failure error={all.error} retry={() => void all.refetch()} />}
      {all.data?.items.length === 0 && (
        <Empty icon={<Vault />} title={t("credentials.none")} text={t("credentials.noneText")} action={add} />
      )}
      <ul className="flex flex-col gap-3">
        {all.data?.items.map((each) => (
          <Row key={each.id} item={each} />
        ))}
      </ul>
      {making && <NewCredential onClose={() => make(false)} />}
    </Page>
  );
}

function Row({ item }: { item: Credential }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [asking, ask] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      taken(
        api.DELETE("/api/v1/credentials/{credential_id}", { params: { path: { credential_id: item.id } } }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["credentials"] }),
    onError: (error) => toast.error(messageOf(error)),
  });
  return (
    <li className="flex flex-wrap items-center gap-3 rounded-2xl border bg-panel p-4">
      <div className="min-w-48 flex-1">
        <p className="font-medium">{item.title || item.provider}</p>
        <p className="text-xs text-muted">
          {item.provider} · <Time at={item.created_at} />
          {item.hosts.length > 0 && ` · ${item.hosts.join(", ")}`}
        </p>
      </div>
      <Badge>{t(`credentials.type.${item.type}`)}</Badge>
      {!item.is_managed && (
        <Button small look="danger" onClick={() => ask(true)}>
          {t("common:delete")}
        </Button>
      )}
      <Confirm
        open={asking}
        onOpenChange={ask}
        title={t("credentials.deleteTitle", { name: item.title || item.provider })}
        text={t("credentials.deleteText")}
        action={t("common:delete")}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      />
    </li>
  );
}

function NewCredential({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [type, setType] = useState<"api_key" | "user_password">("api_key");
  const [form, setForm] = useState({ provider: "", title: "", key: "", username: "", hosts: "" });
  const put = (name: keyof typeof form) => (event: { target: { value: string } }) =>
    setForm((before) => ({ ...before, [name]: event.target.value }));
  const made = useMutation({
    mutationFn: () => {
      const hosts = form.hosts.split(/[\s,]+/).filter(Boolean);
      const common = {
        provider: form.provider.trim().toLowerCase(),
        title: form.title || form.provider,
        hosts,
      };
      const body =
        type === "api_key"
          ? { ...common, type, api_key: form.key }
          : { ...common, type, username: form.username, password: form.key };
      return taken(api.POST("/api/v1/credentials", { body: body as Schemas["ApiKeyIn"] }));
    },
    onSuccess: () => {
      toast.success(t("credentials.added"));
      onClose();
      return queries.invalidateQueries({ queryKey: ["credentials"] });
    },
  });
  return (
    <Dialog open onOpenChange={onClose} title={t("credentials.new")} description={t("credentials.newText")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          made.mutate();
        }}
      >
        <Field label={t("credentials.kind")}>
          {(wired) => (
            <Select {...wired} value={type} onChange={(event) => setType(event.target.value as typeof type)}>
              <option value="api_key">{t("credentials.type.api_key")}</option>
              <option value="user_password">{t("credentials.type.user_password")}</option>
            </Select>
          )}
        </Field>
        <Field label={t("credentials.provider")} hint={t("credentials.providerHint")} required>
          {(wired) => <Input {...wired} required value={form.provider} onChange={put("provider")} />}
        </Field>
        <Field label={t("name")}>
          {(wired) => <Input {...wired} value={form.title} onChange={put("title")} />}
        </Field>
        {type === "user_password" && (
          <Field label={t("credentials.username")} required>
            {(wired) => (
              <Input
                {...wired}
                required
                autoComplete="off"
                value={form.username}
                onChange={put("username")}
              />
            )}
          </Field>
        )}
        <Field label={t(type === "api_key" ? "credentials.key" : "credentials.password")} required>
          {(wired) => (
            <Input
              {...wired}
              type="password"
              required
              autoComplete="new-password"
              value={form.key}
              onChange={put("key")}
            />
          )}
        </Field>
        <Field label={t("credentials.hosts")} hint={t("credentials.hostsHint")}>
          {(wired) => <Input {...wired} value={form.hosts} onChange={put("hosts")} />}
        </Field>
        {made.isError && <Failure error={made.error} />}
        <Button type="submit" look="primary" busy={made.isPending}>
          {t("common:create")}
        </Button>
      </form>
    </Dialog>
  );
}
