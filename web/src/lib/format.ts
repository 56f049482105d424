/** Numbers, times and money in the language of the page; times always with their zone in the tooltip. */
import i18n from "../i18n";

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${Math.round(s % 60)} s`;
  return `${Math.floor(m / 60)} h ${m % 60} min`;
}

export function dateTime(at: string | number | Date): string {
  const style = { dateStyle: "medium", timeStyle: "short" } as const;
  return new Intl.DateTimeFormat(i18n.language, style).format(new Date(at));
}

export function exactTime(at: string | number | Date): string {
  const style = { dateStyle: "full", timeStyle: "long" } as const;
  return new Intl.DateTimeFormat(i18n.language, style).format(new Date(at));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

export function ago(at: string | number | Date, now = Date.now()): string {
  const past = new Date(at).getTime() - now;
  if (Math.abs(past) > 7 * 86_400_000) return dateTime(at);
  const format = new Intl.RelativeTimeFormat(i18n.language, { numeric: "auto" });
  const [unit, size] = STEPS.find(([, each]) => Math.abs(past) >= each) ?? (["second", 1000] as const);
  return format.format(Math.round(past / size), unit);
}

export function money(microusd: number | null | undefined): string {
  if (!microusd) return "$0";
  const usd = microusd / 1e6;
  const digits = usd < 0.01 ? 6 : usd < 1 ? 4 : 2;
  return new Intl.NumberFormat(i18n.language, {
    style: "currency",
    currency: "USD",
    maximumFractionDigits: digits,
  }).format(usd);
}

export function count(n: number): string {
  return new Intl.NumberFormat(i18n.language).format(n);
}
