/** What is known of one execution, built from a snapshot or from events. Pure; each event gives a new state. */
import type { Frame } from "../api/socket";

export interface Reason {
  kind: string;
  [fact: string]: unknown;
}

export interface NodeRun {
  id: string;
  nodeId: string;
  blockId: string;
  status: string;
  input: Record<string, unknown>;
  output: Record<string, unknown[]>;
  addedAt: number | null;
  queuedAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  error: string | null;
  failure: Record<string, unknown> | null;
  reason: Reason | null;
  stats: Record<string, unknown> | null;
}

export interface RunState {
  id: string;
  graphId: string | null;
  graphVersion: number | null;
  status: string;
  verdict: Record<string, unknown> | null;
  reason: Reason | null;
  startedAt: number | null;
  endedAt: number | null;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown[]>;
  stats: Record<string, unknown>;
  dryRun: boolean;
  /** By id, in the order in which they came. */
  nodes: ReadonlyMap<string, NodeRun>;
  /** Newest number that was seen. */
  sequence: number;
}

export const FINAL = new Set(["COMPLETED", "FAILED", "TERMINATED"]);

export function emptyRun(id: string): RunState {
  return {
    id,
    graphId: null,
    graphVersion: null,
    status: "QUEUED",
    verdict: null,
    reason: null,
    startedAt: null,
    endedAt: null,
    inputs: {},
    outputs: {},
    stats: {},
    dryRun: false,
    nodes: new Map(),
    sequence: -1,
  };
}

type Raw = Record<string, unknown>;

function time(value: unknown): number | null {
  return typeof value === "string" ? Date.parse(value) : typeof value === "number" ? value : null;
}

function full(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

export function nodeOf(raw: Raw): NodeRun {
  return {
    id: String(raw.node_exec_id ?? raw.id),
    nodeId: String(raw.node_id),
    blockId: String(raw.block_id ?? ""),
    status: String(raw.status),
    input: (raw.input_data as Raw | null) ?? {},
    output: (raw.output_data as Record<string, unknown[]> | null) ?? {},
    addedAt: time(raw.add_time),
    queuedAt: time(raw.queue_time),
    startedAt: time(raw.start_time),
    endedAt: time(raw.end_time),
    error: (raw.error as string | null) ?? null,
    failure: (raw.failure as Raw | null) ?? null,
    reason: (raw.reason as Reason | null) ?? null,
    stats: (raw.stats as Raw | null) ?? null,
  };
}

/** The state with the whole of an answer of the API laid into it. */
export function withSnapshot(state: RunState, raw: Raw): RunState {
  const nodes = new Map(state.nodes);
  for (const each of (raw.node_executions as Raw[] | undefined) ?? []) {
    const node = nodeOf(each);
    nodes.set(node.id, node);
  }
  return { ...withExecution(state, raw), nodes };
}

/** Updates of statistics come without inputs and outputs: what was known stays. */
function withExecution(state: RunState, raw: Raw): RunState {
  return {
    ...state,
    graphId: (raw.graph_id as string | null) ?? state.graphId,
    graphVersion: (raw.graph_version as number | null) ?? state.graphVersion,
    status: String(raw.status),
    verdict: (raw.verdict as Raw | null) ?? null,
    reason: (raw.reason as Reason | null) ?? null,
    startedAt: time(raw.started_at) ?? state.startedAt,
    endedAt: time(raw.ended_at) ?? state.endedAt,
    inputs: full(raw.inputs) ? raw.inputs : state.inputs,
    outputs: full(raw.outputs) ? (raw.outputs as Record<string, unknown[]>) : state.outputs,
    stats: full(raw.stats) ? raw.stats : state.stats,
    dryRun: typeof raw.is_dry_run === "boolean" ? raw.is_dry_run : state.dryRun,
  };
}

/** The state after a number of frames, which came together. */
export function after(state: RunState, frames: Frame[]): RunState {
  let next = state;
  let nodes: Map<string, NodeRun> | null = null;
  for (const frame of frames) {
    const data = frame.data as Raw | null | undefined;
    if (!data) continue;
    if (frame.method === "node_execution_event") {
      nodes ??= new Map(next.nodes);
      const node = nodeOf(data);
      const before = nodes.get(node.id);
      nodes.set(node.id, { ...node, stats: node.stats ?? before?.stats ?? null });
    } else if (frame.method === "graph_execution_event") {
      next = withExecution(next, data);
    }
    if (frame.sequence !== undefined && frame.sequence > next.sequence)
      next = { ...next, sequence: frame.sequence };
  }
  return nodes ? { ...next, nodes } : next;
}

export interface NodeSummary {
  /** The status that matters most of all runs of this node. */
  status: string;
  runs: number;
  failed: number;
  newest: NodeRun;
}

const WEIGHT = ["COMPLETED", "INCOMPLETE", "TERMINATED", "QUEUED", "FAILED", "REVIEW", "RUNNING"];

/** By node of the graph: what its runs come to, for the canvas. */
export function summaries(nodes: ReadonlyMap<string, NodeRun>): Map<string, NodeSummary> {
  const found = new Map<string, NodeSummary>();
  for (const run of nodes.values()) {
    const known = found.get(run.nodeId);
    if (!known) {
      found.set(run.nodeId, {
        status: run.status,
        runs: 1,
        failed: run.status === "FAILED" ? 1 : 0,
        newest: run,
      });
      continue;
    }
    known.runs += 1;
    known.newest = run;
    if (run.status === "FAILED") known.failed += 1;
    if (WEIGHT.indexOf(run.status) > WEIGHT.indexOf(known.status)) known.status = run.status;
  }
  return found;
}

/** Milliseconds that were spent, so far or in all. */
export function elapsed(from: number | null, to: number | null, now: number): number | null {
  return from === null ? null : Math.max(0, (to ?? now) - from);
}
