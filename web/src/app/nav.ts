import { Blocks, Inbox, KeyRound, Play, Settings, Users, Vault, Workflow } from "lucide-react";

export interface Place {
  to: string;
  /** Key of its name in `common`. */
  name: string;
  icon: typeof Workflow;
}

export const PLACES: Place[] = [
  { to: "/agents", name: "nav.agents", icon: Workflow },
  { to: "/runs", name: "nav.runs", icon: Play },
  { to: "/approvals", name: "nav.approvals", icon: Inbox },
  { to: "/blocks", name: "nav.blocks", icon: Blocks },
];

export const SETTINGS: Place[] = [
  { to: "/settings", name: "nav.profile", icon: Settings },
  { to: "/settings/credentials", name: "nav.credentials", icon: Vault },
  { to: "/settings/keys", name: "nav.keys", icon: KeyRound },
  { to: "/settings/team", name: "nav.team", icon: Users },
];
