// Words for a terminal, on top of core's: what is missing is empty, what is long is cut, and columns stand under each other.
import * as words from '@sluice/core';
import type { MetricValue } from '@sluice/core';

export { formatSize } from '@sluice/core';

export function formatDuration(ms: number | undefined): string {
  return ms === undefined ? '' : words.formatDuration(ms);
}

export function formatMetric(value: MetricValue): string {
  const text = words.formatMetric(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** `1 run`, `2 runs` */
export const formatCount = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A file's name may hold what moves the cursor, or a line's end: each such character shows as `?`. */
export const formatPath = (path: string): string => path.replaceAll(/[\p{Cc}\p{Cs}]/gu, '?');

/** Rows in columns as wide as their widest cell; the last column is not filled up. */
export function formatTable(rows: readonly (readonly string[])[], gap = '  '): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => [...(row[i] ?? '')].length)));
  return rows.map(row =>
    row
      .map((cell, i) => cell + ' '.repeat(widths[i]! - [...cell].length))
      .join(gap)
      .trimEnd()
  );
}
