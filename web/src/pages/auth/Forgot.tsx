import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, taken } from "../../api/client";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Failure } from "../../ui/states";
import { Frame } from "./frame";
import { BackToLogin } from "./SignUp";

export default function Forgot() {
  const { t } = useTranslation("auth");
  const [email, setEmail] = useState("");
  const ask = useMutation({
    mutationFn: () => taken(api.POST("/api/v1/auth/password/forgot", { body: { email } })),
  });
  if (ask.isSuccess)
    return (
      <Frame title={t("forgot.sentTitle")} text={t("forgot.sentText", { email })} below={<BackToLogin />} />
    );
  return (
    <Frame title={t("forgot.title")} text={t("forgot.text")} below={<BackToLogin />}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate();
        }}
      >
        <Field label={t("email")}>
          {(wired) => (
            <Input
              {...wired}
              type="email"
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        {ask.isError && <Failure error={ask.error} />}
        <Button type="submit" look="primary" busy={ask.isPending}>
          {t("forgot.do")}
        </Button>
      </form>
    </Frame>
  );
}
