/** Who is logged in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ApiError, type Schemas, taken } from "./client";

export type Me = Schemas["MeOut"];

export const meKey = ["me"] as const;

/** The person, `null` if nobody is logged in. */
export function useMe() {
  return useQuery({
    queryKey: meKey,
    queryFn: async (): Promise<Me | null> => {
      try {
        return await taken(api.GET("/api/v1/me"));
      } catch (error) {
        if (error instanceof ApiError && error.problem.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

export function useAuthConfig() {
  return useQuery({
    queryKey: ["auth-config"],
    queryFn: () => taken(api.GET("/api/v1/auth/config")),
    staleTime: Infinity,
  });
}

export function useLogin() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["LoginIn"]) => taken(api.POST("/api/v1/auth/login", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: meKey }),
  });
}

export function useLogout() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => taken(api.POST("/api/v1/auth/logout")),
    onSuccess: () => {
      localStorage.removeItem("millstream.org");
      queries.clear();
      queries.setQueryData(meKey, null);
    },
  });
}
