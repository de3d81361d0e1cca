// Sizes and numbers as people write them in variables of the environment: ‘5GB’, ‘512 MiB’, ‘4’.
import { PipelineError } from './errors.js';

/**
 * A whole number, 1 or more; undefined where the variable is not set.
 * @throws PipelineError `usage`
 */
export function readCount(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new PipelineError(`${name} is ‘${text}’; write a whole number, 1 or more.`, 'usage');
}

/**
 * In bytes; undefined where the variable is not set.
 * @throws PipelineError `usage`
 */
export function readSize(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
  if (!match) throw new PipelineError(`${name} is ‘${text}’; write a size such as ‘5GB’.`, 'usage');
  const power = ' kmgt'.indexOf(match[2]!.toLowerCase() || ' ');
  return Number(match[1]) * (match[3] ? 1024 : 1000) ** power;
}
