/** Saving makes a version. Somebody who saved meanwhile is noticed by the ETag, never overwritten. */
import { useMutation } from "@tanstack/react-query";
import { api, type Schemas, taken } from "../api/client";
import type { Draft } from "./store";

export function useSave(graphId: string, version: number) {
  return useMutation({
    mutationFn: (draft: Draft) =>
      taken(
        api.PUT("/api/v1/graphs/{graph_id}", {
          params: { path: { graph_id: graphId }, header: { "if-match": `"${version}"` } as never },
          body: { id: graphId, ...draft } as unknown as Schemas["Graph"],
        }),
      ),
  });
}
