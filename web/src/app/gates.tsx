/** Who may see which pages. The edge decides again with every request; this only sends people where they belong. */
import { Navigate, Outlet, useLocation, useSearchParams } from "react-router";
import { useMe } from "../api/session";
import { Failure } from "../ui/states";
import { Waiting } from "./App";
import { Shell } from "./Shell";

/** Only paths of ours: an address from elsewhere would be an open redirect. */
export function ownPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

export function Member() {
  const me = useMe();
  const here = useLocation();
  if (me.isPending) return <Waiting />;
  if (me.isError) return <Failure error={me.error} retry={() => void me.refetch()} />;
  if (me.data === null) {
    const next = here.pathname + here.search;
    return <Navigate to={next === "/" ? "/login" : `/login?next=${encodeURIComponent(next)}`} replace />;
  }
  return <Shell me={me.data} />;
}

export function Guest() {
  const me = useMe();
  const [query] = useSearchParams();
  const here = useLocation().pathname;
  const forGuests = ["/login", "/signup", "/setup", "/forgot"].includes(here);
  if (me.data && forGuests) return <Navigate to={ownPath(query.get("next"))} replace />;
  return <Outlet />;
}
