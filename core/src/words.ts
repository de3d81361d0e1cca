// Words for people, the same in a terminal and in the panel: how long something took, how large it is, how a metric reads.
import type { MetricValue } from './metric.js';

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`: never more than needed, so that a column of them can be compared at a glance. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `12 kB`, `1.5 GB`, `340 MB`: enough to decide by. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 99.5 ? Number(value.toPrecision(2)) : Math.round(value)} ${units[power - 1]}`;
}

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const digits = Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4 ? value.toExponential(3) : value.toPrecision(4);
  return digits.includes('e') ? digits.replace(/\.?0*e/, 'e') : String(Number(digits));
}

/** One line for any metric; tables and the like as JSON, whoever shows it cuts it. */
export function formatMetric(value: MetricValue): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return value.replaceAll(/\s+/g, ' ').trim();
  return JSON.stringify(value);
}

/** `‘a’, ‘b’ and ‘c’`; of many, the first ones and how many more. */
export function quoteNames(names: readonly string[], most = 5): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const words = shown.map(name => `‘${name}’`);
  if (shown.length < names.length) words.push(`${names.length - shown.length} more`);
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}
