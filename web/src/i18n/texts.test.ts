import { describe, expect, it } from "vitest";

type Texts = { [key: string]: string | Texts };

const files = import.meta.glob<Texts>("./*/*.json", { eager: true, import: "default" });

function flat(texts: Texts, before = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [[before + key, value] as [string, string]] : flat(value, `${before}${key}.`),
  );
}

function holes(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((found) => found[1] ?? "").sort();
}

describe.each(Object.keys(files).filter((path) => path.startsWith("./en/")))("%s", (path) => {
  const english = flat(files[path]!);

  it.each(["de", "zh"])("is there in %s, text for text, with the same holes", (language) => {
    const other = new Map(flat(files[path.replace("/en/", `/${language}/`)] ?? {}));
    expect([...other.keys()].sort()).toEqual(english.map(([key]) => key).sort());
    for (const [key, text] of english) expect([key, holes(other.get(key) ?? "")]).toEqual([key, holes(text)]);
  });
});
