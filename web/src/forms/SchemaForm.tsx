/** A form made from a JSON Schema: the pins of a block, or the inputs of an agent. */
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schema } from "../data/blocks";
import { Field } from "../ui/field";
import { problemOf, resolved } from "./schema";
import { Widget } from "./Widget";

export type Values = Record<string, unknown>;

export function SchemaForm(props: {
  schema: Schema;
  values: Values;
  onChange: (values: Values) => void;
  /** Pins whose value comes over a link: shown, not asked for. */
  linked?: ReadonlyMap<string, string>;
  /** Say what is missing before anybody has typed. */
  strict?: boolean;
}) {
  const { t } = useTranslation("forms");
  const { schema, values } = props;
  const [open, show] = useState(false);
  const pins = Object.entries(schema.properties ?? {})
    .map(([name, pin]) => [name, resolved(pin, schema)] as const)
    .filter(([, pin]) => !pin.hidden);
  const required = new Set(schema.required ?? []);
  const first = pins.filter(([name, pin]) => !pin.advanced || required.has(name));
  const rest = pins.filter(([name, pin]) => pin.advanced && !required.has(name));

  const one = ([name, pin]: (typeof pins)[number]) => {
    const from = props.linked?.get(name);
    const problem = problemOf(
      pin,
      values[name] ?? pin.default,
      required.has(name) && !!props.strict && !from,
    );
    return (
      <Field
        key={name}
        label={pin.title ?? name}
        hint={from ? t("linked", { from }) : pin.description}
        error={problem ? t(problem) : undefined}
        required={required.has(name)}
      >
        {(wired) =>
          from ? (
            <div
              {...wired}
              className="flex h-9 items-center rounded-lg border border-dashed border-line-strong px-3 text-sm text-muted"
            >
              {from}
            </div>
          ) : (
            <Widget
              wired={wired}
              schema={pin}
              value={values[name]}
              onChange={(value) => {
                const { [name]: _old, ...others } = values;
                props.onChange(value === undefined ? others : { ...others, [name]: value });
              }}
            />
          )
        }
      </Field>
    );
  };

  return (
    <div className="flex flex-col gap-4">
      {first.map(one)}
      {rest.length > 0 && (
        <div className="flex flex-col gap-4">
          <button
            type="button"
            aria-expanded={open}
            onClick={() => show(!open)}
            className="flex items-center gap-1 self-start rounded text-sm font-medium text-muted hover:text-ink"
          >
            <ChevronRight className={open ? "size-4 rotate-90" : "size-4"} aria-hidden />
            {t("advanced", { count: rest.length })}
          </button>
          {open && rest.map(one)}
        </div>
      )}
      {pins.length === 0 && <p className="text-sm text-muted">{t("nothing")}</p>}
    </div>
  );
}
