import { useEffect, useState } from "react";
import { ago, exactTime } from "../lib/format";

/** A moment, as how long ago it was; the exact time with its zone in the tooltip. */
export function Time({ at }: { at: string | number | null | undefined }) {
  const now = useNow(at ? 30_000 : null);
  if (!at) return <span>–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at)}>
      {ago(at, now)}
    </time>
  );
}

/** The time, told again every `everyMs`; null: never. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
