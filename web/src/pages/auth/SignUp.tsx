/** A new account; the very first one asks for the code that `millstream up` prints. */
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, taken } from "../../api/client";
import { useAuthConfig, useLogin } from "../../api/session";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Failure } from "../../ui/states";
import { Frame, secretOfLink } from "./frame";

export default function SignUp() {
  const { t } = useTranslation("auth");
  const [form, setForm] = useState({
    email: "",
    password: "",
    name: "",
    code: new URLSearchParams(location.hash.slice(1)).get("code") ?? "",
  });
  const config = useAuthConfig();
  const first = config.data?.first_account ?? false;
  const invitation = secretOfLink();
  const login = useLogin();
  const go = useNavigate();
  const register = useMutation({
    mutationFn: () =>
      taken(
        api.POST("/api/v1/auth/register", {
          body: {
            email: form.email,
            password: form.password,
            name: form.name,
            ...(first ? { setup_code: form.code.trim() } : {}),
            ...(invitation ? { invitation } : {}),
          },
        }),
      ),
  });

  async function submit(event: FormEvent) {
    event.preventDefault();
    const { status } = await register.mutateAsync();
    if (status === "check_mail") return;
    await login.mutateAsync({ email: form.email, password: form.password });
    void go("/", { replace: true });
  }

  const put = (name: keyof typeof form) => (event: { target: { value: string } }) =>
    setForm((before) => ({ ...before, [name]: event.target.value }));

  if (register.data?.status === "check_mail")
    return <Frame title={t("signup.mailTitle")} text={t("signup.mailText", { email: form.email })} />;
  if (config.data && config.data.sign_up !== "open" && !first && !invitation)
    return <Frame title={t("signup.title")} text={t("signup.closed")} below={<BackToLogin />} />;
  return (
    <Frame
      title={first ? t("signup.firstTitle") : t("signup.title")}
      text={first && t("signup.firstText")}
      below={<BackToLogin />}
    >
      <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event).catch(() => undefined)}>
        {first && (
          <Field label={t("signup.code")} hint={t("signup.codeHint")} required>
            {(wired) => (
              <Input {...wired} required autoComplete="off" value={form.code} onChange={put("code")} />
            )}
          </Field>
        )}
        <Field label={t("name")}>
          {(wired) => <Input {...wired} autoComplete="name" value={form.name} onChange={put("name")} />}
        </Field>
        <Field label={t("email")} required>
          {(wired) => (
            <Input
              {...wired}
              type="email"
              autoComplete="username"
              required
              value={form.email}
              onChange={put("email")}
            />
          )}
        </Field>
        <Field label={t("password")} hint={t("passwordHint")} required>
          {(wired) => (
            <Input
              {...wired}
              type="password"
              autoComplete="new-password"
              minLength={10}
              required
              value={form.password}
              onChange={put("password")}
            />
          )}
        </Field>
        {register.isError && <Failure error={register.error} />}
        {login.isError && <Failure error={login.error} />}
        <Button type="submit" look="primary" busy={register.isPending || login.isPending}>
          {t("signup.do")}
        </Button>
      </form>
    </Frame>
  );
}

export function BackToLogin() {
  const { t } = useTranslation("auth");
  return (
    <Link className="font-medium text-accent hover:underline" to="/login">
      {t("back")}
    </Link>
  );
}
