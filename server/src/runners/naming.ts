// By which variables a user names a cluster to look at: there, runs are looked for that were started elsewhere.
const variables = {
  argo: ['SLUICE_CONTEXT', 'SLUICE_NAMESPACE'],
  kubeflow: ['SLUICE_KFP_URL', 'SLUICE_KFP_CONTEXT', 'KF_PIPELINES_ENDPOINT']
} as const;

export function isNamed(env: NodeJS.ProcessEnv, engine: keyof typeof variables): boolean {
  return variables[engine].some(name => env[name]);
}
