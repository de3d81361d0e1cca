// Sizes as people write them in variables of the environment: ‘5GB’, ‘512 MiB’.
import { PipelineError } from './errors.js';

/**
 * In bytes; undefined where the variable is not set.
 * @throws PipelineError `usage`
 */
export function readSize(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const match = /^([\d.]+)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
  if (!match) throw new PipelineError(`${name} is ‘${text}’; write a size such as ‘5GB’.`, 'usage');
  const power = ' kmgt'.indexOf(match[2]!.toLowerCase() || ' ');
  return Number(match[1]) * (match[3] ? 1024 : 1000) ** power;
}
