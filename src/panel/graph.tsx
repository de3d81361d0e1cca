// The steps as a drawing: what comes after what, in layers from top to bottom. A click leads to the step's cell; pointing at a step, or having the
// focus on it, brings its own arrows out, and pointing at an arrow tells what goes along it. Arrow keys go through the steps in their order.
import { layoutGraph, type GraphMeasures, type PlacedEdge, type PlacedNode, type Point } from '@sluice/core';
import * as React from 'react';
import { openCellMenu } from '../cells/menu';
import { hueClass } from '../hues';
import { stateIcon } from '../icons';
import { goToCell } from '../places';
import { inputsOf, joinNames } from '../stepFlows';
import { usePanel } from './context';
import { describeStep } from './stepWords';

const measures: Omit<GraphMeasures, 'width'> = {
  ...{ nodeHeight: 24, narrowest: 64, widest: 150 },
  ...{ gap: 10, rise: 22, lane: 6 }
};

export function StepGraph({ now }: { readonly now: number }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const [pointed, setPointed] = React.useState<string>();
  const steps = pipeline.pipeline?.steps ?? pipeline.outline.steps.map(({ name }) => ({ name, after: [] }));
  const shape = JSON.stringify(steps.map(({ name, after }) => [name, after]));
  const layout = React.useMemo(() => layoutGraph(steps, { ...measures, width }), [shape, width]);
  const names = pipeline.outline.steps.map(({ name }) => name);
  const current = pipeline.chosenStep ?? names[0];
  const move = (from: string, by: number): void => {
    const next = names[Math.max(0, Math.min(names.length - 1, names.indexOf(from) + by))];
    const nodes = [...(host.current?.querySelectorAll<HTMLElement>('.jp-Sluice-node') ?? [])];
    nodes.find(node => node.dataset['step'] === next)?.focus();
  };
  return (
    <div ref={host} className="jp-Sluice-graph" role="group" aria-label={trans.__('Graph of steps')}>
      <div style={{ position: 'relative', width: layout.width, height: layout.height }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {layout.edges.map(edge => (
            <Edge
              key={`${edge.from} ${edge.to}`}
              edge={edge}
              isPointed={pointed === edge.from || pointed === edge.to}
            />
          ))}
        </svg>
        {layout.nodes.map(node => (
          <Node
            key={node.name}
            node={node}
            now={now}
            isCurrent={node.name === current}
            onPoint={isPointed => setPointed(isPointed ? node.name : undefined)}
            onMove={by => move(node.name, by)}
          />
        ))}
      </div>
    </div>
  );
}

interface NodeProps {
  readonly node: PlacedNode;
  readonly now: number;
  readonly isCurrent: boolean;
  readonly onPoint: (isPointed: boolean) => void;
  readonly onMove: (by: number) => void;
}

function Node({ node: { name, x, y, width }, now, isCurrent, onPoint, onMove }: NodeProps): React.JSX.Element {
  const { pipeline, commands } = usePanel();
  const run = pipeline.runs.shown?.steps.find(other => other.name === name);
  const cell = pipeline.outline.steps.find(step => step.name === name)?.cells[0];
  const Icon = stateIcon(run?.state);
  const label = describeStep(name, run, pipeline, now);
  return (
    <button
      type="button"
      className={`jp-Sluice-node ${hueClass(pipeline.outline, name)}`}
      style={{ left: x, top: y, width, height: measures.nodeHeight }}
      data-step={name}
      data-state={run?.state ?? 'none'}
      tabIndex={isCurrent ? 0 : -1}
      title={label}
      aria-label={label}
      onClick={() => cell !== undefined && void goToCell(pipeline.panel, cell)}
      onFocus={() => {
        pipeline.chooseStep(name);
        onPoint(true);
      }}
      onBlur={() => onPoint(false)}
      onMouseEnter={() => onPoint(true)}
      onMouseLeave={() => onPoint(false)}
      onKeyDown={event => {
        const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        onMove(by);
      }}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        const { currentTarget } = event;
        if (cell === undefined) return;
        void goToCell(pipeline.panel, cell).then(() => openCellMenu(pipeline, commands, currentTarget));
      }}
    >
      <Icon.react tag="span" className="jp-Sluice-state" />
      <span className="jp-Sluice-nodeName">{name}</span>
    </button>
  );
}

interface EdgeProps {
  readonly edge: PlacedEdge;
  readonly isPointed: boolean;
}

function Edge({ edge: { from, to, points }, isPointed }: EdgeProps): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const inputs = pipeline.pipeline ? inputsOf(pipeline.pipeline, to) : [];
  const carried = inputs.filter(({ kind, flows }) => kind !== 'order' && flows.some(flow => flow.from === from));
  const names = carried.map(({ name }) => name);
  const path = toPath(points);
  return (
    <g className="jp-Sluice-edge" data-pointed={isPointed}>
      <path d={path} />
      <path className="jp-Sluice-edgeHit" d={path}>
        <title>
          {names.length === 0
            ? trans.__('%1 runs after %2', to, from)
            : trans.__('%1 → %2: %3', from, to, joinNames(names, trans))}
        </title>
      </path>
      <path className="jp-Sluice-edgeTip" d={toTip(points.at(-1)!)} />
    </g>
  );
}

/** Straight along a lane, in a curve from layer to layer. */
function toPath(points: readonly Point[]): string {
  const parts = points.slice(1).map(({ x, y }, i) => {
    const before = points[i]!;
    if (before.x === x) return `V${y}`;
    const middle = (before.y + y) / 2;
    return `C${before.x},${middle} ${x},${middle} ${x},${y}`;
  });
  return `M${points[0]!.x},${points[0]!.y}${parts.join('')}`;
}

function toTip({ x, y }: Point): string {
  return `M${x - 3.5},${y - 5}L${x},${y - 0.5}L${x + 3.5},${y - 5}`;
}

/** What there is beside the padding, followed as the panel is made wider. */
function useWidth(host: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(260);
  React.useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, []);
  return width;
}
