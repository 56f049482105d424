/** What lies over a page: dialogs, menus, tooltips. Focus is kept and given back by Radix. */
import { X } from "lucide-react";
import { Dialog as D, DropdownMenu as M, Tooltip as T } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../lib/cn";
import { Button, IconButton } from "./button";

export function Dialog(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <D.Root open={props.open} onOpenChange={props.onOpenChange}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 bg-black/45 backdrop-blur-[2px]" />
        <D.Content
          className={cn(
            "fixed top-1/2 left-1/2 z-50 max-h-[88vh] w-[min(94vw,34rem)] -translate-x-1/2 -translate-y-1/2",
            "overflow-auto rounded-2xl border bg-panel p-6 shadow-panel",
            props.wide && "w-[min(94vw,60rem)]",
          )}
          {...(props.description ? {} : { "aria-describedby": undefined })}
        >
          <div className="mb-4 flex items-start justify-between gap-4">
            <div>
              <D.Title className="text-lg font-semibold">{props.title}</D.Title>
              {props.description && (
                <D.Description className="mt-1 text-sm text-muted">{props.description}</D.Description>
              )}
            </div>
            <D.Close asChild>
              <IconButton label={t("close")} icon={<X className="size-4" />} />
            </D.Close>
          </div>
          {props.children}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

/** Asks before something that cannot be undone. */
export function Confirm(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text: ReactNode;
  action: string;
  busy?: boolean;
  onConfirm: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Dialog {...props} description={props.text}>
      <div className="flex justify-end gap-2">
        <Button onClick={() => props.onOpenChange(false)}>{t("cancel")}</Button>
        <Button look="danger" busy={props.busy} onClick={props.onConfirm}>
          {props.action}
        </Button>
      </div>
    </Dialog>
  );
}

export function Menu(props: { trigger: ReactNode; children: ReactNode; align?: "start" | "end" }) {
  return (
    <M.Root>
      <M.Trigger asChild>{props.trigger}</M.Trigger>
      <M.Portal>
        <M.Content
          align={props.align ?? "end"}
          sideOffset={6}
          className="z-50 min-w-44 rounded-xl border bg-raised p-1.5 shadow-panel"
        >
          {props.children}
        </M.Content>
      </M.Portal>
    </M.Root>
  );
}

export function MenuItem({
  danger,
  className,
  ...rest
}: ComponentProps<typeof M.Item> & { danger?: boolean }) {
  return (
    <M.Item
      className={cn(
        "flex cursor-pointer items-center gap-2 rounded-lg px-2.5 py-1.5 text-sm outline-none select-none",
        "data-[highlighted]:bg-sunken data-[disabled]:cursor-not-allowed data-[disabled]:opacity-50",
        danger && "text-bad",
        className,
      )}
      {...rest}
    />
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <M.Label className="px-2.5 pt-1.5 pb-1 text-xs text-muted">{children}</M.Label>;
}

export function MenuLine() {
  return <M.Separator className="my-1.5 h-px bg-line" />;
}

export function Hint({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <T.Root>
      <T.Trigger asChild>{children}</T.Trigger>
      <T.Portal>
        <T.Content
          sideOffset={6}
          className="z-50 max-w-80 rounded-lg border bg-raised px-2.5 py-1.5 text-xs text-ink shadow-panel"
        >
          {text}
        </T.Content>
      </T.Portal>
    </T.Root>
  );
}
