/** Where nodes stand. */
export interface Box {
  id: string;
  width: number;
  height: number;
}

/** Places for a graph from left to right. The library is fetched when it is needed. */
export async function arranged(
  boxes: Box[],
  links: { source: string; target: string }[],
): Promise<Map<string, { x: number; y: number }>> {
  const { default: dagre } = await import("@dagrejs/dagre");
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 36, ranksep: 90, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) graph.setNode(box.id, { width: box.width, height: box.height });
  links.forEach((link, index) => graph.setEdge(link.source, link.target, {}, String(index)));
  dagre.layout(graph);
  return new Map(
    boxes.map((box) => {
      const at = graph.node(box.id) as { x: number; y: number };
      return [box.id, { x: Math.round(at.x - box.width / 2), y: Math.round(at.y - box.height / 2) }];
    }),
  );
}

/** Tell whether the nodes were ever placed: files made by programs put all of them at one point. */
export function placed(points: { x: number; y: number }[]): boolean {
  return new Set(points.map((point) => `${point.x},${point.y}`)).size > points.length / 2;
}
