/** The control for one value. */
import { Plus, Trash2, Upload } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMutation } from "@tanstack/react-query";
import { taken, api, type Schemas } from "../api/client";
import type { Schema } from "../data/blocks";
import { Button, IconButton } from "../ui/button";
import { Input, Select, TextArea } from "../ui/field";
import { messageOf } from "../ui/states";
import { CredentialPicker } from "./CredentialPicker";
import { kindOf, parsed } from "./schema";

export interface WidgetProps {
  wired: { id: string; "aria-invalid"?: true; "aria-describedby"?: string };
  schema: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
}

const INPUT_TYPES = { date: "date", time: "time", datetime: "datetime-local" } as const;

export function Widget(props: WidgetProps) {
  const { wired, schema, value, onChange } = props;
  const kind = kindOf(schema);
  const shown = value ?? "";
  const placeholder =
    schema.placeholder ??
    (schema.default !== undefined && schema.default !== null ? String(asText(schema.default)) : undefined);
  switch (kind) {
    case "text":
    case "secret":
      return (
        <Input
          {...wired}
          type={kind === "secret" ? "password" : "text"}
          autoComplete="off"
          placeholder={placeholder}
          value={asText(shown)}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        />
      );
    case "long":
      return (
        <TextArea
          {...wired}
          placeholder={placeholder}
          value={asText(shown)}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        />
      );
    case "number":
    case "integer":
      return (
        <Input
          {...wired}
          type="number"
          step={kind === "integer" ? 1 : "any"}
          min={schema.minimum}
          max={schema.maximum}
          placeholder={placeholder}
          value={typeof value === "number" ? value : ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.valueAsNumber)}
        />
      );
    case "date":
    case "time":
    case "datetime":
      return (
        <Input
          {...wired}
          type={INPUT_TYPES[kind]}
          value={asText(shown)}
          onChange={(event) => onChange(event.target.value || undefined)}
        />
      );
    case "boolean":
      return <Toggle {...props} />;
    case "choice":
      return <Choice {...props} />;
    case "list":
      return <List {...props} />;
    case "file":
      return <FilePin {...props} />;
    case "credentials":
      return <CredentialPicker {...props} />;
    default:
      return <Json {...props} />;
  }
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Toggle({ wired, schema, value, onChange }: WidgetProps) {
  const on = typeof value === "boolean" ? value : schema.default === true;
  return (
    <button
      {...wired}
      type="button"
      role="switch"
      aria-checked={on}
      onClick={() => onChange(!on)}
      className="flex h-6 w-11 items-center rounded-full border border-line-strong bg-sunken px-0.5 aria-checked:border-accent aria-checked:bg-accent"
    >
      <span
        className={on ? "size-4.5 translate-x-5 rounded-full bg-panel" : "size-4.5 rounded-full bg-muted"}
      />
    </button>
  );
}

function Choice({ wired, schema, value, onChange }: WidgetProps) {
  const { t } = useTranslation("forms");
  const options = schema.enum ?? [];
  const chosen = value ?? schema.default;
  return (
    <Select
      {...wired}
      value={options.indexOf(chosen)}
      onChange={(event) => onChange(options[Number(event.target.value)])}
    >
      {!options.includes(chosen) && <option value={-1}>{t("choose")}</option>}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {asText(option)}
        </option>
      ))}
    </Select>
  );
}

function List({ wired, schema, value, onChange }: WidgetProps) {
  const { t } = useTranslation("forms");
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const numeric = ["number", "integer"].includes(String(schema.items?.type));
  const put = (index: number, text: string) =>
    onChange(items.map((each, at) => (at === index ? (numeric ? Number(text) : text) : each)));
  return (
    <div id={wired.id} className="flex flex-col gap-2">
      {items.map((each, index) => (
        <div key={index} className="flex gap-1.5">
          <Input
            aria-label={t("item", { n: index + 1 })}
            type={numeric ? "number" : "text"}
            value={asText(each)}
            onChange={(event) => put(index, event.target.value)}
          />
          <IconButton
            label={t("remove", { n: index + 1 })}
            icon={<Trash2 className="size-4" />}
            onClick={() => onChange(items.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <Button
        small
        className="self-start"
        icon={<Plus className="size-3.5" />}
        onClick={() => onChange([...items, numeric ? 0 : ""])}
      >
        {t("add")}
      </Button>
    </div>
  );
}

/** Any value, typed as JSON. What cannot be read stays where it is and says so. */
function Json({ wired, schema, value, onChange }: WidgetProps) {
  const { t } = useTranslation("forms");
  const [draft, setDraft] = useState<string | null>(null);
  const [wrong, setWrong] = useState(false);
  const shown =
    draft ?? (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return (
    <>
      <TextArea
        {...wired}
        spellCheck={false}
        className="font-mono text-xs"
        placeholder={kindOf(schema) === "object" ? "{ }" : t("anything")}
        value={shown}
        onChange={(event) => {
          const found = parsed(event.target.value, schema);
          setDraft(event.target.value);
          setWrong(!!found.wrong);
          if (!found.wrong) onChange(found.value);
        }}
        onBlur={() => !wrong && setDraft(null)}
      />
      {wrong && <p className="text-xs text-bad">{t("noJson")}</p>}
    </>
  );
}

function FilePin({ wired, value, onChange }: WidgetProps) {
  const { t } = useTranslation("forms");
  const id = useId();
  const upload = useMutation({
    mutationFn: async (file: File) => {
      const form = new FormData();
      form.append("file", file);
      const answer = await taken(
        api.POST("/api/v1/files", {
          body: form as unknown as Schemas["Body_upload_file"],
          bodySerializer: (body) => body as unknown as FormData,
        }),
      );
      return answer;
    },
    onSuccess: (file) => onChange(file.uri),
  });
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex gap-2">
        <Input
          {...wired}
          placeholder={t("fileHint")}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.target.value || undefined)}
        />
        <Button
          busy={upload.isPending}
          icon={<Upload className="size-4" />}
          onClick={() => document.getElementById(id)?.click()}
        >
          {t("common:upload")}
        </Button>
        <input
          id={id}
          type="file"
          className="hidden"
          aria-label={t("common:upload")}
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) upload.mutate(file);
          }}
        />
      </div>
      {upload.isError && <p className="text-xs text-bad">{messageOf(upload.error)}</p>}
    </div>
  );
}
