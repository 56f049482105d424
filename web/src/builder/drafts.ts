/** Drafts that were not saved yet, kept in the browser: a crash, a closed tab or a dead battery loses seconds. */
import type { Draft } from "./store";

const PREFIX = "millstream.draft.";

export interface KeptDraft {
  at: number;
  version: number;
  draft: Draft;
}

export function keep(graphId: string, version: number, draft: Draft): void {
  const { name, description, nodes, links } = draft;
  try {
    localStorage.setItem(
      PREFIX + graphId,
      JSON.stringify({
        at: Date.now(),
        version,
        draft: { name, description, nodes, links },
      } satisfies KeptDraft),
    );
  } catch {
    // the store is full: the draft is only in memory then
  }
}

export function kept(graphId: string): KeptDraft | null {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + graphId) ?? "null") as KeptDraft | null;
  } catch {
    return null;
  }
}

export function forget(graphId: string): void {
  localStorage.removeItem(PREFIX + graphId);
}
