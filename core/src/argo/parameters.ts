// Argo's parameters are texts, which it puts into a template as they are. ExecutorInput wants JSON in which nobody finds a placeholder more,
// so most are converted by an expression that Argo evaluates.
import type { JsonValue, ParameterType } from '../pipeline.js';
import type { PlanParameter } from '../ir/plan.js';

/**
 * As people write it: texts as they are, everything else as JSON; `None` for a parameter that has no value. Argo replaces in its arguments what
 * looks like a placeholder once the workflow runs, so that no two braces stand side by side: in JSON there is an escape for one of them, and in a
 * text a word joiner, which is not seen, keeps them apart.
 */
export function toText(value: JsonValue): string {
  if (value === null) return 'None';
  return typeof value === 'string' ? apart(value) : JSON.stringify(value).replaceAll('{{', '{\\u007b');
}

function apart(text: string): string {
  return text.replace(/\{(?=[{\u2060])/g, '{\u2060');
}

/** The text that is in the argument of a workflow. */
export function fromText(argument: string): string {
  return argument.replaceAll('{\u2060', '{');
}

/** What stands in ExecutorInput for the parameter's value: JSON once Argo has replaced it. */
export function toPlaceholder({ name, type, default: initial }: PlanParameter): string {
  const value = `workflow.parameters['${name}']`;
  const json = jsonOf[type](value);
  return `{{=${initial === null ? `${value} in ['None', 'null'] ? 'null' : ${json}` : json}}}`;
}

const jsonOf: Readonly<Record<ParameterType, (value: string) => string>> = {
  integer: value => value,
  float: value => value,
  boolean: value => `sprig.lower(${value})`,
  string: value => safely(`toJson(sprig.replace('\\u007b\\u2060', '\\u007b', ${value}))`),
  list: safely,
  dict: safely
};

// Kubernetes expands `$(NAME)` and makes `$$` one `$`; Argo replaces again what looks like a placeholder. Both can only stand in JSON's texts.
function safely(json: string): string {
  return `sprig.replace('\\u007b\\u007b', '\\u007b\\\\u007b', sprig.replace('$', '\\\\u0024', ${json}))`;
}
