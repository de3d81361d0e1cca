// Sluice's own icon, and one small sign for each state of a run or step. All take their colour from CSS.
import { LabIcon } from '@jupyterlab/ui-components';
import type { RunState } from '@sluice/core';

/** A gate half raised, and the stream that it lets through. */
export const sluiceIcon = new LabIcon({
  name: 'sluice:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
    <g class="jp-icon3" fill="#616161">
      <path d="M4 3h2v18H4zM18 3h2v18h-2z"/>
      <path d="M7.5 3h9v8h-9z"/>
      <path d="M7 14.2c1.7-1.4 3.3-1.4 5 0s3.3 1.4 5 0v2c-1.7 1.4-3.3 1.4-5 0s-3.3-1.4-5 0zM7 18.2c1.7-1.4 3.3-1.4 5 0s3.3 1.4 5 0v2c-1.7 1.4-3.3 1.4-5 0s-3.3-1.4-5 0z"/>
    </g>
  </svg>`
});

/** Two steps, and one that needs both. */
export const graphIcon = new LabIcon({
  name: 'sluice:graph',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
    <g class="jp-icon3" fill="#616161">
      <path d="M1.5 2h5v3.5h-5zM9.5 2h5v3.5h-5zM5.5 10.5h5V14h-5z"/>
    </g>
    <path d="M4 5.5c0 3 4 2 4 5m4-5c0 3-4 2-4 5" fill="none" stroke="currentColor" stroke-width="1.2"/>
  </svg>`
});

const drawings: Readonly<Record<RunState | 'none', string>> = {
  none: '<circle cx="8" cy="8" r="1.6" fill="currentColor"/>',
  pending: '<circle cx="8" cy="8" r="4.8" fill="none" stroke="currentColor" stroke-width="1.4"/>',
  running:
    '<circle cx="8" cy="8" r="4.8" fill="none" stroke="currentColor" stroke-opacity=".25" stroke-width="1.8"/><path class="jp-Sluice-spin" d="M8 3.2A4.8 4.8 0 0 1 12.8 8" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>',
  succeeded:
    '<path d="M3.5 8.4l3 3 6-6.6" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>',
  cached:
    '<path d="M1.8 8.6l2.6 2.7 5.2-6M8 11.1l.4.2 5.4-6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>',
  failed: '<path d="M4.2 4.2l7.6 7.6m0-7.6l-7.6 7.6" stroke="currentColor" stroke-width="1.9" stroke-linecap="round"/>',
  skipped: '<path d="M4 8h8" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>',
  canceled:
    '<circle cx="8" cy="8" r="4.8" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M4.8 11.2l6.4-6.4" stroke="currentColor" stroke-width="1.4"/>',
  paused: '<path d="M5.8 4v8M10.2 4v8" stroke="currentColor" stroke-width="1.9" stroke-linecap="round"/>'
};

const stateIcons = new Map<RunState | 'none', LabIcon>();

export function stateIcon(state: RunState | undefined): LabIcon {
  const key = state ?? 'none';
  let icon = stateIcons.get(key);
  if (!icon) {
    const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${drawings[key]}</svg>`;
    stateIcons.set(key, (icon = new LabIcon({ name: `sluice:state-${key}`, svgstr })));
  }
  return icon;
}
