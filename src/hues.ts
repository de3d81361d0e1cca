// Steps are told apart by eight hues, given by their order; style/base.css has the colours. Never the only carrier of a meaning.
import type { Outline } from '@sluice/core';

export const hueClasses: readonly string[] = [...'abcdefgh'].map(letter => `jp-Sluice-hue-${letter}`);

export function hueClass(outline: Outline, step: string): string {
  const order = outline.steps.findIndex(other => other.name === step);
  return order < 0 ? '' : hueClasses[order % hueClasses.length]!;
}
