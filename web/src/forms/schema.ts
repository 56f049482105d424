/** Reading JSON Schemas of pins for forms. Pure. */
import type { Schema } from "../data/blocks";

export type Kind =
  | "text"
  | "long"
  | "secret"
  | "number"
  | "integer"
  | "boolean"
  | "choice"
  | "date"
  | "time"
  | "datetime"
  | "file"
  | "credentials"
  | "list"
  | "object"
  | "json";

/** Follow a reference, take the one part of an `allOf`, and leave null out of an `anyOf`. */
export function resolved(schema: Schema, root: Schema): Schema {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const { $ref: _ref, ...over } = schema;
    return resolved({ ...(root.$defs?.[name] ?? {}), ...over }, root);
  }
  if (schema.allOf?.length === 1 && schema.allOf[0]) {
    const { allOf: _all, ...over } = schema;
    return resolved({ ...schema.allOf[0], ...over }, root);
  }
  const some = schema.anyOf ?? schema.oneOf;
  const real = some?.filter((each) => each.type !== "null");
  if (some && real?.length === 1 && real[0]) {
    const { anyOf: _any, oneOf: _one, ...over } = schema;
    return resolved({ ...real[0], ...over }, root);
  }
  return schema;
}

export function kindOf(schema: Schema): Kind {
  if (schema.enum) return "choice";
  if (schema.secret || schema.format === "password") return "secret";
  if ("credentials_provider" in schema || schema.format === "credentials") return "credentials";
  const types = [schema.type ?? []].flat().filter((each) => each !== "null");
  if (types.length !== 1) return "json";
  switch (types[0]) {
    case "string":
      if (schema.format === "long-text") return "long";
      if (schema.format === "date" || schema.format === "time" || schema.format === "file")
        return schema.format;
      if (schema.format === "date-time") return "datetime";
      return "text";
    case "integer":
    case "number":
    case "boolean":
      return types[0];
    case "array":
      return schema.items && ["text", "number", "integer"].includes(kindOf(schema.items)) ? "list" : "json";
    case "object":
      return "object";
    default:
      return "json";
  }
}

/** What is wrong with a value, as a key of the texts; null: nothing that we see. The edge checks all. */
export function problemOf(schema: Schema, value: unknown, required: boolean): string | null {
  if (value === undefined || value === null || value === "") return required ? "required" : null;
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum) return "tooSmall";
    if (schema.maximum !== undefined && value > schema.maximum) return "tooLarge";
  }
  if (typeof value === "string" && schema.maxLength !== undefined && value.length > schema.maxLength)
    return "tooLong";
  return null;
}

/** The value of what was typed as JSON; text that is no JSON counts as text where any value may come. */
export function parsed(text: string, schema: Schema): { value?: unknown; wrong?: true } {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    const types = [schema.type ?? []].flat();
    return types.length === 0 || types.includes("string") ? { value: text } : { wrong: true };
  }
}
