/** What a mailed link leads to: the secret of the link, and a password with it, then the log-in. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { toast } from "sonner";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Failure } from "../../ui/states";
import { Frame, secretOfLink } from "./frame";
import { BackToLogin } from "./SignUp";

export function TokenForm(props: {
  kind: "verify" | "reset";
  send: (body: { token: string; password: string }) => Promise<unknown>;
}) {
  const { t } = useTranslation("auth");
  const [password, setPassword] = useState("");
  const token = secretOfLink();
  const go = useNavigate();
  const sent = useMutation({
    mutationFn: () => props.send({ token, password }),
    onSuccess: () => {
      toast.success(t(`${props.kind}.done`));
      void go("/login", { replace: true });
    },
  });
  if (!token) return <Frame title={t(`${props.kind}.title`)} text={t("noToken")} below={<BackToLogin />} />;
  return (
    <Frame title={t(`${props.kind}.title`)} text={t(`${props.kind}.text`)} below={<BackToLogin />}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          sent.mutate();
        }}
      >
        <Field label={t("password")} {...(props.kind === "reset" ? { hint: t("passwordHint") } : {})}>
          {(wired) => (
            <Input
              {...wired}
              type="password"
              required
              autoComplete={props.kind === "reset" ? "new-password" : "current-password"}
              {...(props.kind === "reset" ? { minLength: 10 } : {})}
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
        {sent.isError && <Failure error={sent.error} />}
        <Button type="submit" look="primary" busy={sent.isPending}>
          {t(`${props.kind}.do`)}
        </Button>
      </form>
    </Frame>
  );
}
