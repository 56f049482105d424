import { describe, expect, it } from "vitest";
import { after, emptyRun, summaries } from "./model";

function node(
  id: string,
  nodeId: string,
  status: string,
  sequence?: number,
  output: Record<string, unknown[]> = {},
) {
  return {
    method: "node_execution_event",
    data: { node_exec_id: id, node_id: nodeId, block_id: "b", status, output_data: output },
    ...(sequence === undefined ? {} : { sequence }),
  };
}

describe("a run that is told by events", () => {
  it("keeps the newest state of each node execution and the newest number", () => {
    const run = after(emptyRun("r"), [
      node("x", "n", "QUEUED", 1),
      node("x", "n", "COMPLETED", 3, { result: [1] }),
    ]);
    expect(run.nodes.get("x")).toMatchObject({ status: "COMPLETED", output: { result: [1] } });
    expect(run.sequence).toBe(3);
  });

  it("keeps inputs and outputs through updates that carry statistics alone", () => {
    const told = {
      method: "graph_execution_event",
      data: { status: "RUNNING", inputs: { a: 1 }, outputs: { o: [2] } },
    };
    const stats = { method: "graph_execution_event", data: { status: "COMPLETED", inputs: {}, outputs: {} } };
    expect(after(emptyRun("r"), [told, stats])).toMatchObject({
      status: "COMPLETED",
      inputs: { a: 1 },
      outputs: { o: [2] },
    });
  });

  it("gives a new map only when a node changed, so that nothing is drawn for nothing", () => {
    const run = after(emptyRun("r"), [node("x", "n", "QUEUED", 1)]);
    const next = after(run, [{ method: "graph_execution_event", data: { status: "RUNNING" } }]);
    expect(next.nodes).toBe(run.nodes);
  });
});

describe("what the runs of one node come to", () => {
  it("shows what moves or failed before what is done", () => {
    const run = after(emptyRun("r"), [
      node("x", "n", "COMPLETED"),
      node("y", "n", "FAILED"),
      node("z", "m", "QUEUED"),
    ]);
    const found = summaries(run.nodes);
    expect(found.get("n")).toMatchObject({ status: "FAILED", runs: 2, failed: 1 });
    expect(found.get("m")).toMatchObject({ status: "QUEUED", runs: 1 });
  });
});
