import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "../lib/cn";

const BOX =
  "w-full rounded-lg border border-line-strong bg-panel px-3 text-sm text-ink placeholder:text-muted " +
  "focus:border-accent aria-invalid:border-bad disabled:opacity-60";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={cn(BOX, "h-9", className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={cn(BOX, "min-h-20 py-2", className)} {...rest} />;
}

export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <select className={cn(BOX, "h-9 pr-8", className)} {...rest}>
      {children}
    </select>
  );
}

interface Wired {
  id: string;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

/** A label, what belongs to it, a hint and what is wrong with it, wired for screen readers. */
export function Field(props: {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  aside?: ReactNode;
  className?: string;
  children: (wired: Wired) => ReactNode;
}) {
  const id = useId();
  const note = props.error ?? props.hint;
  return (
    <div className={cn("flex flex-col gap-1.5", props.className)}>
      <div className="flex items-center justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium">
          {props.label}
          {props.required && (
            <span aria-hidden className="text-bad">
              {" *"}
            </span>
          )}
        </label>
        {props.aside}
      </div>
      {props.children({
        id,
        ...(props.error ? { "aria-invalid": true as const } : {}),
        ...(note ? { "aria-describedby": `${id}-note` } : {}),
      })}
      {note && (
        <p id={`${id}-note`} className={cn("text-xs", props.error ? "text-bad" : "text-muted")}>
          {note}
        </p>
      )}
    </div>
  );
}
