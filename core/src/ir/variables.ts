// A container's variables. Kubernetes puts the value of an earlier one in place of `$(NAME)` and one `$` in place of `$$`; Argo, below KFP as
// well, replaces what looks like a placeholder. Nothing of that was meant by whoever wrote a value into the notebook.
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/

export interface Variable {
  readonly name: string;
  readonly value: string;
}

const brace = 'SLUICE_BRACE';

/** The variables that a container is given so that its steps find these. */
export function writeVariables(env: Readonly<Record<string, string>>): readonly Variable[] {
  const variables = Object.entries(env).map(([name, value]) => ({ name, value: literally(value) }));
  const needsBrace = variables.some(({ value }) => value.includes(`$(${brace})`));
  return needsBrace ? [{ name: brace, value: '{' }, ...variables] : variables;
}

function literally(value: string): string {
  return value.replace(/\$(?=[$(])/g, () => '$$').replace(/(?<=\{)\{/g, `$(${brace})`);
}

/** What the variables are in the container. */
export function readVariables(variables: readonly Partial<Variable>[]): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { name = '', value = '' } of variables) env[name] = expand(value, env);
  delete env[brace];
  return env;
}

function expand(value: string, env: Readonly<Record<string, string>>): string {
  return value.replace(/\$\$|\$\(([^)]*)\)/g, (text, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(env, name) ? env[name]! : text;
  });
}
