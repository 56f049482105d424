import type { ComponentProps, ReactNode } from "react";
import { cn } from "../lib/cn";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  plain: "bg-panel text-ink border-line-strong hover:bg-sunken",
  quiet: "bg-transparent text-muted border-transparent hover:bg-sunken hover:text-ink",
  danger: "bg-bad-soft text-bad border-transparent hover:border-bad",
};

export interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  busy?: boolean;
  icon?: ReactNode;
  small?: boolean;
}

export function Button({
  look = "plain",
  busy,
  icon,
  small,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps) {
  const size = small ? "h-7 px-2 text-xs gap-1" : "h-9 px-3.5 text-sm gap-2";
  return (
    <button
      type="button"
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={cn(
        "inline-flex shrink-0 items-center justify-center rounded-lg border font-medium whitespace-nowrap transition-colors",
        "disabled:cursor-not-allowed disabled:opacity-55",
        size,
        LOOKS[look],
        className,
      )}
      {...rest}
    >
      {busy ? <Spinner /> : icon}
      {children}
    </button>
  );
}

/** A square button with an icon; its label is said, not shown. */
export function IconButton({ label, className, ...rest }: ButtonProps & { label: string }) {
  return (
    <Button
      look="quiet"
      aria-label={label}
      title={label}
      className={cn("size-8 px-0", rest.small && "size-7", className)}
      {...rest}
    />
  );
}

export function Spinner({ className }: { className?: string }) {
  return (
    <svg className={cn("size-4 animate-spin", className)} viewBox="0 0 24 24" fill="none" aria-hidden>
      <circle cx="12" cy="12" r="9" stroke="currentColor" strokeOpacity="0.25" strokeWidth="3" />
      <path d="M21 12a9 9 0 0 0-9-9" stroke="currentColor" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
