/** Who one is, the password, and where one is logged in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { api, taken } from "../../api/client";
import { type Me, meKey, useMe } from "../../api/session";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Badge, Card, Page } from "../../ui/page";
import { Failure, Loading } from "../../ui/states";
import { Time } from "../../ui/time";
import { SecondFactor } from "./SecondFactor";

export default function Profile() {
  const { t } = useTranslation("settings");
  const me = useMe();
  return (
    <Page title={t("profile.title")} text={me.data?.email}>
      <div className="grid gap-5 lg:grid-cols-2">
        {me.data && <Person me={me.data} />}
        <Password />
        {me.data && <SecondFactor on={me.data.two_factor} />}
        <Sessions />
      </div>
    </Page>
  );
}

function Person({ me }: { me: Me }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [name, setName] = useState(me.name);
  const [zone, setZone] = useState(me.timezone);
  const save = useMutation({
    mutationFn: () => taken(api.PATCH("/api/v1/me", { body: { name, timezone: zone } })),
    onSuccess: () => {
      toast.success(t("saved"));
      return queries.invalidateQueries({ queryKey: meKey });
    },
  });
  return (
    <Card>
      <h2 className="mb-4 font-semibold">{t("profile.person")}</h2>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Field label={t("name")}>
          {(wired) => <Input {...wired} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label={t("profile.zone")} hint={t("profile.zoneHint")}>
          {(wired) => (
            <>
              <Input {...wired} list="zones" value={zone} onChange={(event) => setZone(event.target.value)} />
              <datalist id="zones">
                {Intl.supportedValuesOf("timeZone").map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        {save.isError && <Failure error={save.error} />}
        <Button type="submit" look="primary" className="self-start" busy={save.isPending}>
          {t("common:save")}
        </Button>
      </form>
    </Card>
  );
}

function Password() {
  const { t } = useTranslation("settings");
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const change = useMutation({
    mutationFn: () =>
      taken(api.POST("/api/v1/me/password", { body: { password: old, new_password: fresh } })),
    onSuccess: () => {
      toast.success(t("password.done"));
      setOld("");
      setFresh("");
    },
  });
  return (
    <Card>
      <h2 className="mb-4 font-semibold">{t("password.title")}</h2>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Field label={t("password.old")}>
          {(wired) => (
            <Input
              {...wired}
              type="password"
              required
              autoComplete="current-password"
              value={old}
              onChange={(event) => setOld(event.target.value)}
            />
          )}
        </Field>
        <Field label={t("password.new")} hint={t("password.hint")}>
          {(wired) => (
            <Input
              {...wired}
              type="password"
              required
              minLength={10}
              autoComplete="new-password"
              value={fresh}
              onChange={(event) => setFresh(event.target.value)}
            />
          )}
        </Field>
        {change.isError && <Failure error={change.error} />}
        <Button type="submit" className="self-start" busy={change.isPending}>
          {t("password.do")}
        </Button>
      </form>
    </Card>
  );
}

function Sessions() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const all = useQuery({ queryKey: ["sessions"], queryFn: () => taken(api.GET("/api/v1/sessions")) });
  const end = useMutation({
    mutationFn: (id: string) =>
      taken(api.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <Card>
      <h2 className="mb-4 font-semibold">{t("sessions.title")}</h2>
      {all.isPending && <Loading rows={2} />}
      {all.isError && <Failure error={all.error} />}
      <ul className="flex flex-col divide-y">
        {all.data?.items.map((each) => (
          <li key={each.id} className="flex items-center gap-3 py-2.5 text-sm">
            <div className="min-w-0 flex-1">
              <p className="truncate">{each.client || t("sessions.unknown")}</p>
              <p className="text-xs text-muted">
                <Time at={each.seen_at} />
              </p>
            </div>
            {each.current ? (
              <Badge tone="ok">{t("sessions.this")}</Badge>
            ) : (
              <Button small busy={end.isPending} onClick={() => end.mutate(each.id)}>
                {t("sessions.end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
