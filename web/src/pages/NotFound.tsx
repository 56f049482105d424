import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Logo } from "../app/Logo";
import { useTitle } from "../ui/page";

export default function NotFound() {
  const { t } = useTranslation();
  useTitle(t("notFound.title"));
  return (
    <main className="mx-auto flex max-w-md flex-col items-start gap-4 p-8 pt-[16vh]">
      <Logo />
      <h1 className="text-2xl font-semibold">{t("notFound.title")}</h1>
      <p className="text-muted">{t("notFound.text")}</p>
      <Link to="/" className="font-medium text-accent hover:underline">
        {t("notFound.home")}
      </Link>
    </main>
  );
}
