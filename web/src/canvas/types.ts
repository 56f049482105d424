/** Types of pins: a colour for each family, and whether a value of one may go into another. Pure. */
import type { Schema } from "../data/blocks";
import { resolved } from "../forms/schema";

export type Family = "text" | "number" | "boolean" | "list" | "object" | "file" | "any";

export const COLOURS: Record<Family, string> = {
  text: "#2563eb",
  number: "#b45309",
  boolean: "#be185d",
  list: "#15803d",
  object: "#7c3aed",
  file: "#0e7490",
  any: "#64748b",
};

export function familyOf(schema: Schema | undefined, root: Schema = {}): Family {
  if (!schema) return "any";
  const real = resolved(schema, root);
  const types = [real.type ?? []].flat().filter((each) => each !== "null");
  if (types.length !== 1) return "any";
  switch (types[0]) {
    case "string":
      return real.format === "file" ? "file" : "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return "list";
    case "object":
      return "object";
    default:
      return "any";
  }
}

const CONVERTS: Partial<Record<Family, Family[]>> = {
  text: ["number", "boolean", "list", "object", "file"],
  number: ["text", "boolean"],
  boolean: ["text", "number"],
  file: ["text"],
  list: ["text"],
  object: ["text"],
};

/** How a value gets from one pin to another: as it is, converted on the way, or hardly (import accepts it all the same). */
export function fit(from: Family, to: Family): "same" | "converts" | "doubtful" {
  if (from === to || from === "any" || to === "any") return "same";
  return CONVERTS[from]?.includes(to) ? "converts" : "doubtful";
}

/** The pin that a link with a selector belongs to: `values_#_name` and `list_$_0` are parts of `values` and `list`. */
export function pinName(name: string): string {
  return name.split(/_[#$@]_/)[0] ?? name;
}
