// `sluice cluster check` and `sluice cluster rbac`: can pipelines run there, what is missing, and the Role that would grant it.
import type { Finding } from '@sluice/core';
import { openCluster } from '../kubernetes/access.js';
import { checkRunner, purposesOf } from '../kubernetes/check.js';
import { findOwnAccount, findOwnNamespace } from '../kubernetes/own-pod.js';
import { printRbac, type Subject } from '../kubernetes/rbac.js';
import { painter } from '../terminal.js';
import { useColors } from './check.js';
import { clusterSettingsOf } from './cluster-settings.js';
import { readArgs, type Command } from './command.js';

const options = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  runner: { type: 'string' },
  'service-account': { type: 'string' },
  images: { type: 'boolean' },
  json: { type: 'boolean' }
} as const;

export const clusterCheck: Pick<Command, 'run'> = {
  async run(args, io) {
    const { values } = readArgs(args, { ...options, url: { type: 'string' } }, { names: '', least: 0, most: 0 });
    const settings = clusterSettingsOf(values, io);
    const findings: Finding[] = [];
    const paint = painter(useColors(io));
    const { runner = 'argo', url, context, namespace, images } = values;
    const how = { settings, folder: io.cwd, env: io.env, images };
    for await (const finding of checkRunner(runner, { url, context, namespace }, how)) {
      findings.push(finding);
      if (values.json) continue;
      const [mark, color] =
        finding.isOk === true
          ? (['✓', 'green'] as const)
          : finding.isOk === undefined || finding.isOptional
            ? (['–', 'dim'] as const)
            : (['✗', 'red'] as const);
      io.stdout.write(`${paint(color, mark)} ${finding.message}\n`);
    }
    const isOk = findings.every(finding => finding.isOk !== false || finding.isOptional);
    if (values.json) io.stdout.write(`${JSON.stringify({ isOk, findings })}\n`);
    else if (findings.some(finding => finding.isOk === false && / may not /.test(finding.message)))
      io.stdout.write(`\n\`${printRbacCommand(findings, { runner, images })}\` prints the Roles that grant this.\n`);
    return isOk ? 0 : 1;
  }
};

/** What prints the Roles for what is missing. Kubeflow's pods have an account of its own. */
function printRbacCommand(
  findings: readonly Finding[],
  { runner, images }: { readonly runner: string; readonly images: boolean | undefined }
): string {
  const lacking = findings.filter(({ isOk }) => isOk === false).map(({ message }) => message);
  const [, account] = /service account ‘([^’]+)’ may not/.exec(lacking.join('\n')) ?? [];
  return [
    'sluice cluster rbac',
    ...(runner === 'argo' ? [] : [`--runner ${runner}`]),
    ...(account === undefined || account === 'default' ? [] : [`--service-account ${account}`]),
    ...(images ? ['--images'] : [])
  ].join(' ');
}

export const clusterRbac: Pick<Command, 'run'> = {
  async run(args, io) {
    const { values } = readArgs(
      args,
      { ...options, user: { type: 'string' }, group: { type: 'string' }, account: { type: 'string' } },
      { names: '', least: 0, most: 0 }
    );
    const settings = clusterSettingsOf(values, io);
    // the names alone are needed: it can be printed where the cluster is out of reach
    const { namespace, config } = await openCluster(settings, io.env);
    const { serviceAccount = 'default' } = settings;
    const own = findOwnNamespace(io.env) === namespace ? findOwnAccount() : undefined;
    const subject: Subject =
      values.group !== undefined
        ? { kind: 'Group', name: values.group }
        : values.account !== undefined
          ? { kind: 'ServiceAccount', name: values.account }
          : values.user === undefined && own !== undefined
            ? { kind: 'ServiceAccount', name: own }
            : { kind: 'User', name: values.user ?? config.getCurrentUser()?.name ?? 'you' };
    const purposes = purposesOf(values.runner ?? 'argo', io.env, values.images);
    io.stdout.write(printRbac({ namespace, purposes, subject, serviceAccount }));
    return 0;
  }
};
