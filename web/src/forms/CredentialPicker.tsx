/** Chooses one of the owner's credentials for a pin. The value is a reference; the secret never comes to the page. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, taken } from "../api/client";
import { Select } from "../ui/field";
import type { WidgetProps } from "./Widget";

export function CredentialPicker({ wired, schema, value, onChange }: WidgetProps) {
  const { t } = useTranslation("forms");
  const providers = [schema.credentials_provider ?? []].flat().map(String);
  const all = useQuery({
    queryKey: ["credentials"],
    queryFn: () => taken(api.GET("/api/v1/credentials", { params: { query: { limit: 100 } } })),
  });
  const fitting =
    all.data?.items.filter((each) => providers.length === 0 || providers.includes(each.provider)) ?? [];
  const chosen = (value as { id?: string } | undefined)?.id ?? "";
  return (
    <div className="flex flex-col gap-1">
      <Select
        {...wired}
        value={chosen}
        onChange={(event) => {
          const found = fitting.find((each) => each.id === event.target.value);
          onChange(found && { id: found.id, provider: found.provider, type: found.type, title: found.title });
        }}
      >
        <option value="">{t("noCredential")}</option>
        {fitting.map((each) => (
          <option key={each.id} value={each.id}>
            {each.title || each.provider}
          </option>
        ))}
      </Select>
      <Link className="self-start text-xs text-accent hover:underline" to="/settings/credentials">
        {t("addCredential")}
      </Link>
    </div>
  );
}
