// A compiled step carries its source in one argument, STEP: JSON that neither KFP, Argo, Kubernetes nor a YAML reader may change.
// Decision 0002 has its shape.
import { isRecord } from '../json.js';
import type { ParameterType } from '../pipeline.js';
import type { WorkspaceSpec } from '../workspace.js';

export interface StepArgument {
  readonly version: 1;
  readonly pipeline: string;
  /** path of the notebook */
  readonly notebook?: string;
  /** the kernelspec's name */
  readonly kernel?: string;
  /** for a run on this machine */
  readonly workspace?: WorkspaceSpec;
  readonly step: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly type: ParameterType;
    /** where true, a missing value means None */
    readonly nullable?: boolean;
    /** the notebook's own value as Python, where its JSON does not say exactly which it is */
    readonly exact?: string;
  }[];
  readonly setup: readonly (
    | {
        readonly kind: 'value';
        readonly input: string;
        readonly names: readonly string[];
        readonly states: readonly string[];
      }
    | { readonly kind: 'source'; readonly cell: number; readonly line: number; readonly source: string }
  )[];
  readonly cells: readonly {
    readonly index: number;
    readonly id?: string;
    readonly source: string;
    readonly metrics: boolean;
    /** the number that IPython counts at this cell, where the notebook asks for numbers */
    readonly number?: number;
  }[];
  /** names that the setup binds to what cells of earlier steps have shown, such as `_` */
  readonly results?: readonly string[];
  readonly outputs: readonly {
    readonly artifact: string;
    readonly names: readonly string[];
    readonly states: readonly string[];
  }[];
  /** cells after which the step writes down what its names hold, only while a notebook is verified */
  readonly checkpoints?: readonly { readonly afterCell: number; readonly step: string }[];
}

// Linux allows 128 KiB an argument; a UTF-16 unit has at most three bytes in UTF-8.
const longest = 30_000;

/** The `--step` arguments, with their options between. */
export function writeStepArgument(step: StepArgument): readonly string[] {
  const text = escape(JSON.stringify(step, null, 1));
  const parts: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + longest, text.length);
    if (/[\ud800-\udbff]/.test(text[to - 1]!)) to--;
    parts.push(text.slice(from, to));
    from = to;
  }
  return parts.flatMap(part => ['--step', part]);
}

/** The STEP among a container's arguments; undefined where it is none of ours. */
export function readStepArgument(args: readonly string[]): Partial<StepArgument> | undefined {
  const text = args.filter((_, i) => args[i - 1] === '--step').join('');
  try {
    const step: unknown = JSON.parse(text);
    return isRecord(step) && step.version === 1 ? step : undefined;
  } catch {
    return undefined;
  }
}

// All of these can only stand inside JSON's texts, where an escape means the same. `{{` begins a placeholder of KFP's and
// Argo's; Kubernetes expands `$(NAME)` and makes `$$` one `$`; YAML readers refuse or fold the invisible ones.
function escape(json: string): string {
  return json
    .replaceAll('{{', '{\\u007b')
    .replace(/\$(?=[$(])/g, '\\u0024')
    .replace(
      /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
      char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    );
}
