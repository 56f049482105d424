import { useTranslation } from "react-i18next";
import { useRouteError } from "react-router";
import { Button } from "../ui/button";
import { Failure } from "../ui/states";

/** A page broke: say so, and offer the way on. A new version of the app that took its files away is the common cause. */
export function Crash() {
  const error = useRouteError();
  const { t } = useTranslation();
  return (
    <main className="mx-auto flex max-w-xl flex-col gap-4 p-8">
      <h1 className="text-xl font-semibold">{t("crash.title")}</h1>
      <p className="text-sm text-muted">{t("crash.text")}</p>
      <Failure error={error} />
      <Button look="primary" className="self-start" onClick={() => location.reload()}>
        {t("crash.reload")}
      </Button>
    </main>
  );
}
