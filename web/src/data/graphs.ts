/** Agents: graphs and their versions. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schemas, taken } from "../api/client";

export type Graph = Schemas["GraphOut"];
export type GraphHead = Schemas["GraphHeadOut"];

export const graphsKey = ["graphs"] as const;

export function useGraphs() {
  return useInfiniteQuery({
    queryKey: [...graphsKey, "list"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      taken(
        api.GET("/api/v1/graphs", {
          params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** Names by id, for lists of runs. */
export function useGraphNames(): ReadonlyMap<string, string> {
  const { data } = useGraphs();
  return useMemo(
    () => new Map(data?.pages.flatMap((page) => page.items).map((each) => [each.id, each.name])),
    [data],
  );
}

export function useGraph(id: string | null | undefined, version?: number | null) {
  return useQuery({
    queryKey: [...graphsKey, id, version ?? "active"],
    queryFn: () =>
      taken(
        api.GET("/api/v1/graphs/{graph_id}", {
          params: { path: { graph_id: id as string }, query: version ? { version } : {} },
        }),
      ),
    enabled: !!id,
    staleTime: version ? Infinity : 10_000,
  });
}

export function useRunGraph() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, body, key }: { id: string; body: Partial<Schemas["ExecuteIn"]>; key: string }) =>
      taken(
        api.POST("/api/v1/graphs/{graph_id}/execute", {
          params: { path: { graph_id: id }, header: { "idempotency-key": key } },
          body: body as Schemas["ExecuteIn"],
        }),
      ),
    retry: 2, // the key makes it the same run
    onSuccess: () => queries.invalidateQueries({ queryKey: ["executions"] }),
  });
}

export function useDeleteGraph() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      taken(api.DELETE("/api/v1/graphs/{graph_id}", { params: { path: { graph_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: graphsKey }),
  });
}

export function useCreateGraph() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: unknown) => taken(api.POST("/api/v1/graphs", { body: body as Schemas["Graph"] })),
    onSuccess: () => queries.invalidateQueries({ queryKey: graphsKey }),
  });
}
