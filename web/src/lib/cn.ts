import { type ClassValue, clsx } from "clsx";
import { twMerge } from "tailwind-merge";

/** Join class names; of those that contradict each other the last one counts. */
export function cn(...classes: ClassValue[]): string {
  return twMerge(clsx(classes));
}
