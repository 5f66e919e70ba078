// Numbers and times as they are read: few digits, aligned, the same everywhere.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number | null | undefined): string {
  if (value == null) return "-";
  if (Math.abs(value) < 10_000) return grouped.format(value);
  if (Math.abs(value) < 1e6) return `${(value / 1e3).toFixed(Math.abs(value) < 1e5 ? 1 : 0)} k`;
  if (Math.abs(value) < 1e9) return `${(value / 1e6).toFixed(1)} M`;
  return `${(value / 1e9).toFixed(1)} G`;
}

export function rate(value: number): string {
  return value === 0 ? "0" : value >= 100 ? count(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function percent(part: number, whole: number): string {
  if (!whole) return "-";
  const share = (100 * part) / whole;
  return `${share > 0 && share < 0.1 ? "< 0.1" : share.toFixed(share >= 10 || share === 0 ? 0 : 1)} %`;
}

export function dollars(nanos: number | null | undefined): string {
  return nanos == null ? "-" : usd(nanos / 1e9);
}

export function usd(value: number): string {
  if (value === 0) return "$0";
  const size = Math.abs(value);
  const digits = size >= 100_000 ? 0 : size >= 0.1 ? 2 : size >= 0.001 ? 4 : 6;
  return `${value < 0 ? "-" : ""}$${new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(size)}`;
}

export function span(micros: number | null | undefined): string {
  if (micros == null) return "-";
  const millis = micros / 1000;
  if (millis === 0) return "0";
  if (millis < 1) return `${millis.toFixed(2)} ms`;
  if (millis < 1000) return `${millis.toFixed(0)} ms`;
  if (millis < 60_000) return `${(millis / 1000).toFixed(2)} s`;
  return `${Math.floor(millis / 60_000)} m ${Math.round((millis % 60_000) / 1000)} s`;
}

export const millis = (value: number | null | undefined) => (value == null ? "-" : span(value * 1000));

function two(value: number): string {
  return String(value).padStart(2, "0");
}

export function clock(unixUs: number, fine = true): string {
  const at = new Date(unixUs / 1000);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return fine ? `${text}.${String(at.getMilliseconds()).padStart(3, "0")}` : text;
}

export function day(unixS: number): string {
  const at = new Date(unixS * 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function moment(unixUs: number): string {
  return `${day(unixUs / 1e6)} ${clock(unixUs)}`;
}

/** From now on: "in 14 d", "2 s ago". */
export function away(unixS: number): string {
  const seconds = unixS - Date.now() / 1000;
  const size = Math.abs(seconds);
  const text = size < 90 ? `${Math.round(size)} s` : size < 5400 ? `${Math.round(size / 60)} min` : size < 129_600 ? `${Math.round(size / 3600)} h` : `${Math.round(size / 86_400)} d`;
  return seconds >= 0 ? `in ${text}` : `${text} ago`;
}

export function short(name: string | null | undefined): string {
  return name ? name.slice(name.indexOf("/") + 1) : "-";
}

/** An amount of a limit in its unit; whole numbers stay whole. */
export function amount(text: string, unit: string): string {
  const value = Number(text);
  return unit === "usd" ? usd(value) : count(value);
}
