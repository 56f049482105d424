/** The blocks of this installation, by id. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schemas, taken } from "../api/client";

export type Block = Schemas["BlockOut"];
export type Schema = {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  advanced?: boolean;
  hidden?: boolean;
  secret?: boolean;
  placeholder?: string;
  [rule: string]: unknown;
};

export const blocksKey = ["blocks"] as const;

export function useBlocks() {
  return useQuery({
    queryKey: blocksKey,
    queryFn: () => taken(api.GET("/api/v1/blocks")),
    staleTime: 5 * 60_000,
  });
}

/** Blocks by id; empty while they load. */
export function useBlockMap(): ReadonlyMap<string, Block> {
  const { data } = useBlocks();
  return useMemo(() => new Map(data?.map((block) => [block.id, block])), [data]);
}

/** A name for people: `FillTextTemplateBlock` is "Fill text template". */
export function blockTitle(name: string): string {
  const words = name
    .replace(/Block$/, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2");
  return words
    .split(" ")
    .map((word, index) => (index === 0 || /^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
    .join(" ");
}

export function pinsOf(schema: unknown): [string, Schema][] {
  return Object.entries((schema as Schema | undefined)?.properties ?? {}).filter(([, pin]) => !pin.hidden);
}
