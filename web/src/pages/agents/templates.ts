/** Agents to begin with: the examples that the repository tests. */
interface Template {
  name: string;
  description: string;
  graph: unknown;
}

const files = import.meta.glob<{ name?: string; description?: string }>("../../../../examples/*.json", {
  eager: true,
  import: "default",
});

export const TEMPLATES: Template[] = Object.values(files)
  .filter((graph) => !!graph.name)
  .map((graph) => ({ name: graph.name ?? "", description: graph.description ?? "", graph }));
