// Metrics of the run shown: numbers with their change against the run before and their course over the runs; tables as small tables.
import { formatMetric, isEarlier, type JsonValue, type MetricValue, type RunSummary } from '@sluice/core';
import * as React from 'react';
import { compareMetric, isActive } from '../words';
import { usePanel } from './context';
import { Section } from './section';

export function Metrics(): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const { shown, all } = pipeline.runs;
  // While a run has none yet, those of the run before keep their place, so that nothing jumps.
  const hasMetrics = (run: RunSummary): boolean => Object.keys(run.metrics).length > 0;
  const run =
    shown && isActive(shown.state) && !hasMetrics(shown)
      ? all.find(other => isEarlier(other, shown) && hasMetrics(other))
      : shown;
  const metrics = Object.entries(run?.metrics ?? {});
  if (!run || metrics.length === 0) return null;
  return (
    <Section
      title={trans.__('Metrics')}
      aside={<span className="jp-Sluice-aside">{trans.__('run %1', run.number)}</span>}
      {...(run === shown ? {} : { className: 'jp-mod-past' })}
    >
      <ul className="jp-Sluice-list" aria-label={trans.__('Metrics')}>
        {metrics.map(([name, value]) => (
          <Metric key={name} name={name} value={value} run={run} />
        ))}
      </ul>
    </Section>
  );
}

interface MetricProps {
  readonly name: string;
  readonly value: MetricValue;
  readonly run: RunSummary;
}

function Metric({ name, value, run }: MetricProps): React.JSX.Element {
  const table = toTable(value);
  if (table) {
    return (
      <li className="jp-Sluice-metric jp-mod-table">
        <span className="jp-Sluice-metricName">{name}</span>
        <MetricTable name={name} table={table} />
      </li>
    );
  }
  return (
    <li className="jp-Sluice-metric">
      <span className="jp-Sluice-metricName" title={name}>
        {name}
      </span>
      <span className="jp-Sluice-metricValue" title={String(value)}>
        {formatMetric(value)}
      </span>
      <MetricDelta name={name} value={value} run={run} />
      <Sparkline name={name} run={run} />
    </li>
  );
}

const arrows = { up: '▲', down: '▼', same: '' } as const;

function MetricDelta({ name, value, run }: MetricProps): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const before = pipeline.runs.before(run, name);
  const delta = compareMetric(value, before?.metrics[name]);
  if (!before || !delta) return null;
  return (
    <span
      className="jp-Sluice-delta"
      title={trans.__('Run %1 had %2.', before.number, formatMetric(before.metrics[name]!))}
    >
      {arrows[delta.direction]} {delta.text}
    </span>
  );
}

const sparklineRuns = 12;

function Sparkline({ name, run }: { readonly name: string; readonly run: RunSummary }): React.JSX.Element | null {
  const { pipeline } = usePanel();
  const values = pipeline.runs.all
    .filter(other => !isEarlier(run, other))
    .map(other => other.metrics[name])
    .filter(value => typeof value === 'number' && Number.isFinite(value))
    .slice(0, sparklineRuns)
    .reverse() as readonly number[];
  if (values.length < 3) return null;
  const least = Math.min(...values);
  const range = Math.max(...values) - least || 1;
  const points = values.map(
    (value, i) => `${(i / (values.length - 1)) * 46 + 1},${11 - ((value - least) / range) * 10}`
  );
  return (
    <svg className="jp-Sluice-sparkline" width="48" height="12" viewBox="0 0 48 12" aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}

interface Table {
  readonly head?: readonly string[];
  readonly rows: readonly (readonly JsonValue[])[];
}

/** An object or a list of lists or objects, as rows; undefined for what fits into a line. */
function toTable(value: MetricValue): Table | undefined {
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) {
    const list = value as readonly JsonValue[];
    if (list.length > 0 && list.every(isRecord)) {
      const head = [...new Set(list.flatMap(row => Object.keys(row)))];
      return { head, rows: list.map(row => head.map(key => row[key] ?? null)) };
    }
    if (list.some(Array.isArray))
      return { rows: list.map(row => (Array.isArray(row) ? (row as readonly JsonValue[]) : [row])) };
    return undefined;
  }
  const split = toSplitTable(value as Readonly<Record<string, JsonValue>>);
  if (split) return split;
  const entries = Object.entries(value as Readonly<Record<string, JsonValue>>);
  if (entries.length === 0) return undefined;
  // A table by columns, as pandas' to_dict gives it.
  if (entries.every(([, column]) => isRecord(column))) {
    const rows = [...new Set(entries.flatMap(([, column]) => Object.keys(column as object)))];
    return {
      head: ['', ...entries.map(([name]) => name)],
      rows: rows.map(row => [
        row,
        ...entries.map(([, column]) => (column as Readonly<Record<string, JsonValue>>)[row] ?? null)
      ])
    };
  }
  return { rows: entries };
}

/** A frame in pandas' `split` orientation: columns, index, data. */
function toSplitTable({ columns, index, data }: Readonly<Record<string, JsonValue>>): Table | undefined {
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return undefined;
  const labels = Array.isArray(index) ? (index as readonly JsonValue[]) : [];
  const head = columns.map(column => formatMetric(column as MetricValue));
  const rows = data as readonly (readonly JsonValue[])[];
  return labels.length === rows.length
    ? { head: ['', ...head], rows: rows.map((row, i) => [labels[i]!, ...row]) }
    : { head, rows };
}

function isRecord(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function MetricTable({ name, table }: { readonly name: string; readonly table: Table }): React.JSX.Element {
  const cell = (value: JsonValue): string => (value === null ? '' : formatMetric(value as MetricValue));
  return (
    <div className="jp-Sluice-tableBox" tabIndex={0} role="region" aria-label={name}>
      <table>
        {table.head && (
          <thead>
            <tr>
              {table.head.map((title, i) =>
                title === '' ? (
                  <td key={i} />
                ) : (
                  <th key={i} scope="col">
                    {title}
                  </th>
                )
              )}
            </tr>
          </thead>
        )}
        <tbody>
          {table.rows.slice(0, 50).map((row, r) => (
            <tr key={r}>
              {row.map((value, c) => (
                <td key={c} className={typeof value === 'number' ? 'jp-mod-number' : undefined}>
                  {cell(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
