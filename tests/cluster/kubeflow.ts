// Kubeflow as the tests have it: the server of its own description (server/test/kfp), whose steps are processes with what a pod of the namespace has,
// the service account `steps` with the Role that `sluice cluster rbac` prints, and the claims’ volumes where they mount them.
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { rightsFor, userRights } from '../../server/src/kubernetes/rights.js';
import { KfpServer } from '../../server/test/kfp/server.js';
import { env, World } from '../../server/test/world.js';
import { folder as clusterFolder, type TestCluster } from './cluster.js';

export interface Kubeflow {
  /** where commands are those of somebody who may ask what others may */
  readonly world: World;
  /** variables of somebody who may take snapshots and make no pods, so that no folder is sent */
  readonly keeper: NodeJS.ProcessEnv;
  readonly url: string;
  /** what is mounted below it is the claim’s volume; elsewhere steps find nothing */
  readonly folder: string;
  close(): Promise<void>;
}

/** where steps have the volume that the notebook's folder is sent to: they are processes of this machine */
const sent = '/sluice';

const linkOf = (path: string) => (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined);

export async function openKubeflow(test_: TestCluster): Promise<Kubeflow> {
  const world = new World();
  Object.assign(world.env, { KUBECONFIG: join(clusterFolder, 'kubeconfig'), SLUICE_CONTEXT: 'admin', SLUICE_NAMESPACE: test_.namespace, SLUICE_SERVICE_ACCOUNT: 'steps' });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kfp-'));
  const { stdout } = await world.sluice('cluster', 'rbac', '--runner', 'kubeflow', '--service-account', 'steps');
  test_.apply(...parseAllDocuments(stdout).map(document => document.toJS() as object));
  const { server: api, caFile, caData } = test_.cluster.config.getCurrentCluster()!;
  const { hostname, port } = new URL(api);
  const account = join(folder, 'account');
  mkdirSync(account);
  writeFileSync(join(account, 'token'), test_.kubectl('create', 'token', 'steps'));
  writeFileSync(join(account, 'namespace'), test_.namespace);
  writeFileSync(join(account, 'ca.crt'), caFile === undefined ? Buffer.from(caData!, 'base64') : readFileSync(caFile));
  const pod = { PATH: env.PATH, LANG: 'C.UTF-8', KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const server = new KfpServer({
    ...{ folder, python: env.SLUICE_PYTHON!, env: pod, account },
    mount(claim, path, subPath = '') {
      if (path !== sent && !path.startsWith(folder)) return; // what steps never look for
      const target = join(test_.volume(claim), subPath);
      if (linkOf(path) === target) return; // another step may be at work there
      rmSync(path, { force: true });
      symlinkSync(target, path);
    }
  });
  const rules = rightsFor(userRights, ['snapshots']).map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
  const KUBECONFIG = join(folder, 'keeper');
  writeFileSync(KUBECONFIG, (await test_.user('keeper', rules)).config.exportConfig());
  return {
    ...{ world, folder, keeper: { KUBECONFIG, SLUICE_CONTEXT: 'keeper' }, url: await server.listen() },
    async close() {
      await server.close();
      world.remove();
      if (linkOf(sent)?.startsWith(clusterFolder)) rmSync(sent);
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
