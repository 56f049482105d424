/** Organisations: make one, see who is in it, invite, and choose for which one the pages are. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { api, type Schemas, taken } from "../../api/client";
import { Button } from "../../ui/button";
import { Field, Input, Select } from "../../ui/field";
import { Badge, Card, Page } from "../../ui/page";
import { Empty, Failure, Loading, messageOf } from "../../ui/states";

type Role = Schemas["OrgRole"];
const ROLES: Role[] = ["viewer", "member", "admin", "owner"];
const KEY = "millstream.org";

/** The pages are for this organisation from now on; null: for oneself. */
function work(org: string | null) {
  if (org) localStorage.setItem(KEY, org);
  else localStorage.removeItem(KEY);
  location.reload();
}

export default function Team() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const all = useQuery({ queryKey: ["orgs"], queryFn: () => taken(api.GET("/api/v1/organisations")) });
  const make = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/organisations", { body: { name } })),
    onSuccess: () => {
      setName("");
      return queries.invalidateQueries({ queryKey: ["orgs"] });
    },
    onError: (error) => toast.error(messageOf(error)),
  });
  const now = localStorage.getItem(KEY);
  return (
    <Page title={t("team.title")} text={t("team.text")}>
      <form
        className="mb-6 flex max-w-md gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Input
          aria-label={t("team.new")}
          placeholder={t("team.new")}
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" look="primary" busy={make.isPending}>
          {t("common:create")}
        </Button>
      </form>
      {now && (
        <p className="mb-4 flex items-center gap-3 text-sm">
          {t("team.working")}
          <Button small onClick={() => work(null)}>
            {t("team.leave")}
          </Button>
        </p>
      )}
      {all.isPending && <Loading rows={2} />}
      {all.isError && <Failure error={all.error} retry={() => void all.refetch()} />}
      {all.data?.items.length === 0 && (
        <Empty icon={<Users />} title={t("team.none")} text={t("team.noneText")} />
      )}
      <div className="grid gap-5 lg:grid-cols-2">
        {all.data?.items.map((org) => (
          <Organisation key={org.id} org={org} current={org.id === now} />
        ))}
      </div>
    </Page>
  );
}

function Organisation({ org, current }: { org: Schemas["OrgOut"]; current: boolean }) {
  const { t } = useTranslation("settings");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const path = { path: { org_id: org.id } };
  const members = useQuery({
    queryKey: ["orgs", org.id, "members"],
    queryFn: () => taken(api.GET("/api/v1/organisations/{org_id}/members", { params: path })),
  });
  const invite = useMutation({
    mutationFn: () =>
      taken(api.POST("/api/v1/organisations/{org_id}/invitations", { params: path, body: { email, role } })),
    onSuccess: () => {
      toast.success(t("team.invited", { email }));
      setEmail("");
    },
    onError: (error) => toast.error(messageOf(error)),
  });
  const mayInvite = org.role === "admin" || org.role === "owner";
  return (
    <Card>
      <div className="mb-3 flex items-center gap-2">
        <h2 className="font-semibold">{org.name}</h2>
        <Badge>{t(`team.role.${org.role}`)}</Badge>
        <span className="ml-auto">
          {current ? (
            <Badge tone="ok">{t("team.current")}</Badge>
          ) : (
            <Button small onClick={() => work(org.id)}>
              {t("team.work")}
            </Button>
          )}
        </span>
      </div>
      <ul className="divide-y text-sm">
        {members.data?.items.map((each) => (
          <li key={each.user_id} className="flex justify-between gap-2 py-1.5">
            <span className="truncate">{each.name || each.email}</span>
            <span className="text-muted">{t(`team.role.${each.role}`)}</span>
          </li>
        ))}
      </ul>
      {mayInvite && (
        <form
          className="mt-4 flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            invite.mutate();
          }}
        >
          <Field label={t("team.invite")} className="min-w-40 flex-1">
            {(wired) => (
              <Input
                {...wired}
                type="email"
                required
                placeholder="ada@example.com"
                value={email}
                onChange={(event) => setEmail(event.target.value)}
              />
            )}
          </Field>
          <Select
            aria-label={t("team.roleOf")}
            className="w-32"
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
          >
            {ROLES.filter((each) => each !== "owner" || org.role === "owner").map((each) => (
              <option key={each} value={each}>
                {t(`team.role.${each}`)}
              </option>
            ))}
          </Select>
          <Button type="submit" busy={invite.isPending}>
            {t("team.send")}
          </Button>
        </form>
      )}
    </Card>
  );
}
