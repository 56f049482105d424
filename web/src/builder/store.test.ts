import { beforeEach, describe, expect, it, vi } from "vitest";
import { copies, type DraftNode, EMPTY, useBuilder } from "./store";

function node(id: string, x = 0): DraftNode {
  return { id, block_id: "b", input_default: {}, metadata: { position: { x, y: 0 } } };
}

beforeEach(() => {
  vi.useFakeTimers();
  useBuilder.getState().load(EMPTY);
  useBuilder.temporal.getState().clear();
  vi.advanceTimersByTime(1000);
});

describe("a graph that is edited", () => {
  it("is undone and done again step by step", () => {
    useBuilder.getState().add([node("a")]);
    vi.advanceTimersByTime(1000);
    useBuilder.getState().add([node("b")]);
    useBuilder.temporal.getState().undo();
    expect(useBuilder.getState().nodes.map((each) => each.id)).toEqual(["a"]);
    useBuilder.temporal.getState().redo();
    expect(useBuilder.getState().nodes.map((each) => each.id)).toEqual(["a", "b"]);
  });

  it("takes quick changes as one step and selections as none", () => {
    useBuilder.getState().add([node("a")]);
    vi.advanceTimersByTime(1000);
    for (const text of ["h", "he", "hey"]) useBuilder.getState().setInputs("a", { text });
    useBuilder.getState().select(new Set(["a"]));
    useBuilder.temporal.getState().undo();
    expect(useBuilder.getState().nodes[0]?.input_default).toEqual({});
  });

  it("loses the links of a node with the node, and connects two pins once", () => {
    const state = useBuilder.getState();
    state.add([node("a"), node("b")]);
    const link = { source_id: "a", source_name: "out", sink_id: "b", sink_name: "in" };
    state.connect(link);
    state.connect(link);
    expect(useBuilder.getState().links).toHaveLength(1);
    state.remove(new Set(["a"]), new Set());
    expect(useBuilder.getState().links).toHaveLength(0);
  });

  it("copies nodes with the links among them, under new ids", () => {
    const state = useBuilder.getState();
    state.add([node("a"), node("b"), node("c")]);
    state.connect({ source_id: "a", source_name: "out", sink_id: "b", sink_name: "in" });
    state.connect({ source_id: "b", source_name: "out", sink_id: "c", sink_name: "in" });
    const [nodes, links] = copies(useBuilder.getState(), new Set(["a", "b"]));
    expect(nodes).toHaveLength(2);
    expect(links).toHaveLength(1);
    expect(links[0]?.source_id).toBe(nodes[0]?.id);
    expect(nodes.some((each) => ["a", "b"].includes(each.id))).toBe(false);
  });
});
