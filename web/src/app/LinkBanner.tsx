import { WifiOff } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { socket, useLink } from "../api/socket";
import { Button } from "../ui/button";
import { useNow } from "../ui/time";

function listen(changed: () => void) {
  window.addEventListener("online", changed);
  window.addEventListener("offline", changed);
  return () => {
    window.removeEventListener("online", changed);
    window.removeEventListener("offline", changed);
  };
}

/** Shown while the line is cut: when it is tried again, and a button for now. */
export function LinkBanner() {
  const { t } = useTranslation();
  const { link, retryAt } = useLink();
  const online = useSyncExternalStore(listen, () => navigator.onLine);
  const cut = link === "waiting";
  const now = useNow(cut ? 500 : null);
  if (online && !cut) return null;
  const seconds = retryAt ? Math.max(0, Math.ceil((retryAt - now) / 1000)) : 0;
  return (
    <div role="status" className="flex items-center gap-3 border-b bg-warn-soft px-4 py-2 text-sm text-warn">
      <WifiOff className="size-4" aria-hidden />
      {online ? t("link.cut", { seconds }) : t("offline.title")}
      {online && (
        <Button small className="ml-auto" onClick={() => socket.retry()}>
          {t("link.now")}
        </Button>
      )}
    </div>
  );
}
