// Steps are told apart by eight hues, given by their order; style/base.css has the colours. Never the only carrier of a meaning.
import type { Outline } from '@sluice/core';

export const hueClasses: readonly string[] = [...'abcdefgh'].map(letter => `jp-Sluice-hue-${letter}`);

export function hueClass(outline: Outline, step: string): string {
  let order = orders.get(outline);
  if (!order) orders.set(outline, (order = new Map(outline.steps.map(({ name }, index) => [name, index]))));
  const place = order.get(step);
  return place === undefined ? '' : hueClasses[place % hueClasses.length]!;
}

const orders = new WeakMap<Outline, ReadonlyMap<string, number>>();
