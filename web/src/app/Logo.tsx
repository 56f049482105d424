import { Link } from "react-router";

export function Logo({ short }: { short?: boolean }) {
  return (
    <Link
      to="/"
      className="flex items-center gap-2 rounded font-semibold tracking-tight"
      aria-label="Millstream"
    >
      <img src="/favicon.svg" alt="" className="size-6" />
      {!short && <span>Millstream</span>}
    </Link>
  );
}
