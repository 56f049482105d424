import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { api, taken } from "../../api/client";
import { meKey } from "../../api/session";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { CopyButton } from "../../ui/json";
import { Badge, Card } from "../../ui/page";
import { Failure } from "../../ui/states";

export function SecondFactor({ on }: { on: boolean }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const begin = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/me/totp", { body: { password } })),
  });
  const confirm = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/me/totp/confirm", { body: { code } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: meKey }),
  });
  const remove = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/me/totp/remove", { body: { password, code } })),
    onSuccess: () => {
      toast.success(t("totp.removed"));
      return queries.invalidateQueries({ queryKey: meKey });
    },
  });
  const error = begin.error ?? confirm.error ?? remove.error;
  const asksCode = on || begin.isSuccess;
  return (
    <Card>
      <div className="mb-2 flex items-center gap-2">
        <h2 className="font-semibold">{t("totp.title")}</h2>
        <Badge tone={on ? "ok" : "neutral"}>{on ? t("totp.on") : t("totp.off")}</Badge>
      </div>
      <p className="mb-4 text-sm text-muted">{t("totp.text")}</p>
      {confirm.data ? (
        <div className="flex flex-col gap-2">
          <p className="text-sm font-medium">{t("totp.recovery")}</p>
          <pre className="rounded-lg bg-sunken p-3 text-xs">{confirm.data.recovery_codes.join("\n")}</pre>
          <CopyButton text={() => confirm.data.recovery_codes.join("\n")} />
        </div>
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (on) remove.mutate();
            else if (begin.isSuccess) confirm.mutate();
            else begin.mutate();
          }}
        >
          {begin.data && (
            <Field label={t("totp.secret")} hint={t("totp.secretHint")}>
              {(wired) => (
                <div className="flex gap-2">
                  <Input {...wired} readOnly value={begin.data.secret} />
                  <CopyButton text={() => begin.data.uri} />
                </div>
              )}
            </Field>
          )}
          {!begin.isSuccess && (
            <Field label={t("password.old")}>
              {(wired) => (
                <Input
                  {...wired}
                  type="password"
                  required
                  autoComplete="current-password"
                  value={password}
                  onChange={(event) => setPassword(event.target.value)}
                />
              )}
            </Field>
          )}
          {asksCode && (
            <Field label={t("totp.code")}>
              {(wired) => (
                <Input
                  {...wired}
                  required
                  inputMode="numeric"
                  autoComplete="one-time-code"
                  value={code}
                  onChange={(event) => setCode(event.target.value)}
                />
              )}
            </Field>
          )}
          {error && <Failure error={error} />}
          <Button
            type="submit"
            className="self-start"
            busy={begin.isPending || confirm.isPending || remove.isPending}
          >
            {on ? t("totp.remove") : begin.isSuccess ? t("totp.confirm") : t("totp.begin")}
          </Button>
        </form>
      )}
    </Card>
  );
}
