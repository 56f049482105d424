/** One execution, live: all events from the first one, gathered for a frame of the screen before anything is drawn. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api, ApiError, taken } from "../api/client";
import { type Frame, socket } from "../api/socket";
import { after, emptyRun, FINAL, type RunState, withSnapshot } from "./model";

export function useRun(id: string): { run: RunState; error: unknown; loading: boolean; refetch: () => void } {
  const [kept, keep] = useState(() => emptyRun(id));
  const snapshot = useQuery({
    queryKey: ["executions", id],
    queryFn: () =>
      taken(
        api.GET("/api/v1/executions/{execution_id}", {
          params: { path: { execution_id: id }, query: { node_limit: 500 } },
        }),
      ),
    retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.problem.status === 404),
  });
  const run = useMemo(() => {
    const told = kept.id === id ? kept : emptyRun(id);
    const newer = snapshot.data && !FINAL.has(told.status) && snapshot.data.sequence > told.sequence;
    return newer ? withSnapshot(told, snapshot.data) : told;
  }, [id, kept, snapshot.data]);
  const ended = snapshot.data ? FINAL.has(snapshot.data.status) : false;
  const known = !!snapshot.data;

  useEffect(() => {
    if (!known || ended) return;
    let waiting: Frame[] = [];
    let drawing = 0;
    const draw = () => {
      drawing = 0;
      const frames = waiting;
      waiting = [];
      keep((before) => after(before.id === id ? before : emptyRun(id), frames));
    };
    const leave = socket.followExecution(id, -1, (frame) => {
      waiting.push(frame);
      drawing ||= requestAnimationFrame(draw);
    });
    return () => {
      cancelAnimationFrame(drawing);
      leave();
    };
  }, [id, known, ended]);

  return { run, error: snapshot.error, loading: snapshot.isPending, refetch: () => void snapshot.refetch() };
}
