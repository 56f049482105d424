/** Every page and its address. The address is the state: what is open can be sent to somebody. */
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { Waiting } from "./App";
import { Crash } from "./Crash";
import { Guest, Member } from "./gates";

/** A page in a file of its own, loaded when it is visited. */
function page(load: () => Promise<{ default: React.ComponentType }>): Partial<RouteObject> {
  return {
    lazy: async () => ({ Component: (await load()).default }),
    HydrateFallback: Waiting,
  };
}

export const router = createBrowserRouter([
  {
    ErrorBoundary: Crash,
    children: [
      {
        Component: Guest,
        children: [
          { path: "login", ...page(() => import("../pages/auth/Login")) },
          { path: "signup", ...page(() => import("../pages/auth/SignUp")) },
          { path: "setup", ...page(() => import("../pages/auth/SignUp")) },
          { path: "forgot", ...page(() => import("../pages/auth/Forgot")) },
          { path: "reset", ...page(() => import("../pages/auth/Reset")) },
          { path: "verify", ...page(() => import("../pages/auth/Verify")) },
          { path: "invitation", ...page(() => import("../pages/auth/Invitation")) },
        ],
      },
      {
        Component: Member,
        children: [
          { index: true, element: <Navigate to="/agents" replace /> },
          { path: "agents", ...page(() => import("../pages/agents/Agents")) },
          { path: "build/:id", ...page(() => import("../pages/builder/Build")) },
          { path: "runs", ...page(() => import("../pages/runs/Runs")) },
          { path: "runs/:id", ...page(() => import("../pages/runs/Run")) },
          { path: "approvals", ...page(() => import("../pages/approvals/Approvals")) },
          { path: "blocks", ...page(() => import("../pages/blocks/Blocks")) },
          { path: "settings", ...page(() => import("../pages/settings/Profile")) },
          { path: "settings/keys", ...page(() => import("../pages/settings/Keys")) },
          { path: "settings/credentials", ...page(() => import("../pages/settings/Credentials")) },
          { path: "settings/team", ...page(() => import("../pages/settings/Team")) },
        ],
      },
      { path: "*", ...page(() => import("../pages/NotFound")) },
    ],
  },
]);
