import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { Suspense } from "react";
import { RouterProvider } from "react-router";
import { Toaster } from "sonner";
import { ApiError, OfflineError } from "../api/client";
import { meKey } from "../api/session";
import { Spinner } from "../ui/button";
import { router } from "./routes";
import { useTheme } from "./theme";

/** A session that ended meanwhile: ask who is there again, and the frame shows the log-in. */
function noticed(error: Error) {
  if (error instanceof ApiError && error.problem.status === 401) {
    const me = queries.getQueryData(meKey);
    if (me) void queries.invalidateQueries({ queryKey: meKey });
  }
}

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: noticed }),
  mutationCache: new MutationCache({ onError: noticed }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) =>
        failures < 3 &&
        (error instanceof OfflineError || (error instanceof ApiError && error.problem.status >= 502)),
    },
  },
});

export function App() {
  const theme = useTheme((state) => state.theme);
  return (
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={350}>
        <Suspense fallback={<Waiting />}>
          <RouterProvider router={router} />
        </Suspense>
        <Toaster theme={theme} position="bottom-right" richColors closeButton duration={6000} />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

export function Waiting() {
  return (
    <div className="grid h-full min-h-40 place-items-center text-muted">
      <Spinner className="size-6" />
    </div>
  );
}
