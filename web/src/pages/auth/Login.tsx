import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, ApiError, taken } from "../../api/client";
import { useAuthConfig, useLogin } from "../../api/session";
import { ownPath } from "../../app/gates";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Failure } from "../../ui/states";
import { Frame } from "./frame";

export default function Login() {
  const { t } = useTranslation("auth");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [query] = useSearchParams();
  const next = ownPath(query.get("next"));
  const go = useNavigate();
  const login = useLogin();
  const config = useAuthConfig();
  const others = useQuery({
    queryKey: ["sso"],
    queryFn: () => taken(api.GET("/api/v1/auth/sso")),
    staleTime: Infinity,
  });
  const wantsCode = login.error instanceof ApiError && login.error.problem.code === "second_factor_required";
  const asksCode = wantsCode || code !== "";

  async function submit(event: FormEvent) {
    event.preventDefault();
    await login.mutateAsync({ email, password, ...(code ? { code } : {}) });
    void go(next, { replace: true });
  }

  const first = config.data?.first_account;
  const open = first || config.data?.sign_up === "open";
  return (
    <Frame
      title={t("login.title")}
      text={first ? t("login.first") : t("login.text")}
      below={
        open && (
          <>
            {t("login.new")}{" "}
            <Link className="font-medium text-accent hover:underline" to={first ? "/setup" : "/signup"}>
              {t("signup.title")}
            </Link>
          </>
        )
      }
    >
      <form className="flex flex-col gap-4" onSubmit={(event) => void submit(event).catch(() => undefined)}>
        <Field label={t("email")}>
          {(wired) => (
            <Input
              {...wired}
              type="email"
              name="email"
              autoComplete="username"
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Field
          label={t("password")}
          aside={
            <Link to="/forgot" className="text-xs text-accent hover:underline">
              {t("forgot.link")}
            </Link>
          }
        >
          {(wired) => (
            <Input
              {...wired}
              type="password"
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
        {asksCode && (
          <Field label={t("login.code")} hint={t("login.codeHint")}>
            {(wired) => (
              <Input
                {...wired}
                inputMode="numeric"
                autoComplete="one-time-code"
                value={code}
                onChange={(event) => setCode(event.target.value)}
              />
            )}
          </Field>
        )}
        {login.isError && !(wantsCode && code === "") && <Failure error={login.error} />}
        <Button type="submit" look="primary" busy={login.isPending}>
          {t("login.do")}
        </Button>
      </form>
      {!!others.data?.items.length && (
        <div className="mt-5 flex flex-col gap-2 border-t pt-5">
          {others.data.items.map((each) => (
            <a
              key={each.name}
              href={`${each.url}?next=${encodeURIComponent(next)}`}
              className="flex h-9 items-center justify-center rounded-lg border border-line-strong bg-panel text-sm font-medium hover:bg-sunken"
            >
              {t("login.with", { name: each.title })}
            </a>
          ))}
        </div>
      )}
    </Frame>
  );
}
