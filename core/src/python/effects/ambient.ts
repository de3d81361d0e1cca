// State that belongs to the whole process and to no name: random seeds, plot styles, options, the environment.
import type { Arguments } from './functions.js';
import type { Machine } from './machine.js';
import type { Expression, Node } from '../syntax.js';
import type { Value } from './thing.js';

/** `plt.rcParams[…] = …`, `os.environ[…] = …` */
export function setAmbient(_machine: Machine, _base: Value, _target: Expression): void {}

export function noteAmbientCall(_machine: Machine, _path: string, _args: Arguments, _node: Node): void {}
