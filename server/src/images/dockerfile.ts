// An image that has what the steps of a notebook import: a Dockerfile and the files beside it. What is the same has the same hash, so that an
// image is built once; steps bring their own source, which is no part of it.
import { createHash } from 'node:crypto';
import { PipelineError } from '../errors.js';
import { imageOf, type Needs } from '../packages.js';

export interface BuildContext {
  /** by name; the Dockerfile is one of them */
  readonly files: Readonly<Record<string, string>>;
  /** of all of it */
  readonly hash: string;
  readonly base: string;
}

export function makeContext(needs: Needs, base = imageOf(needs)): BuildContext {
  const isGit = needs.requirements.some(requirement => requirement.includes('git+'));
  const lines = (texts: readonly string[]): string => texts.map(text => `${text}\n`).join('');
  const content = {
    'requirements.txt': lines(needs.requirements),
    // what is asked for twice is a conflict to pip where the index lacks it
    'constraints.txt': lines(needs.constraints.filter(constraint => !needs.requirements.includes(constraint))),
    Dockerfile: writeDockerfile(base, { isGit, isEmpty: needs.requirements.length === 0 })
  };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
  const labels = `LABEL sluice.dev/packages=${hash} sluice.dev/python=${needs.python}\n`;
  return { files: { ...content, Dockerfile: content.Dockerfile + labels }, hash, base };
}

function writeDockerfile(
  base: string,
  { isGit, isEmpty }: { readonly isGit: boolean; readonly isEmpty: boolean }
): string {
  // a slim image lacks what packages from version control are fetched with
  const git =
    'RUN command -v git >/dev/null || (apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*)\n';
  return [
    '# The packages of a notebook’s kernel. Made by `sluice image build`; steps bring their source with them.\n',
    `FROM ${base}\n`,
    isGit ? git : '',
    // a base without pip will do where there is nothing to install
    isEmpty ? '' : 'COPY requirements.txt constraints.txt /tmp/sluice/\n',
    ...(isEmpty ? [] : [...indexVariables.map(name => `ARG ${name}=\n`), `RUN ${check} && ${install}\n`])
  ].join('');
}

/** An old pip would say something else of each package. */
const check =
  'python3 -c \'import sys; sys.version_info < (3, 9) and sys.exit("error: The base image has Python %d.%d, and a step needs 3.9 or later. Name one that has it with --base." % sys.version_info[:2])\'';

/** Debian’s Python wants a word more before pip may write beside what is Debian’s; a pip too old for it passes a variable by. */
const install =
  'PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore python3 -m pip install --no-cache-dir --disable-pip-version-check -r /tmp/sluice/requirements.txt -c /tmp/sluice/constraints.txt';

/** which package indexes pip asks */
const indexVariables = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_TRUSTED_HOST'] as const;

/**
 * Arguments of a build: the indexes that pip has here are the ones that it has there.
 * @throws PipelineError `usage` where one has a password: who pulls an image can read how it was built
 */
export function indexArguments(env: NodeJS.ProcessEnv): string[] {
  const given = indexVariables.filter(name => env[name]);
  const secret = given.find(name => /:\/\/[^/\s]*@/.test(env[name]!));
  if (secret !== undefined)
    throw new PipelineError(
      `${secret} has a user or a password in it, which everyone who pulls the image could read. Give one without, or print the Dockerfile with --print and build it with your tool’s own secrets.`,
      'usage'
    );
  return given.map(name => `${name}=${env[name]}`);
}

/** `NAME:sluice-HASH`; a tag that the user writes stays. */
export function tagOf(name: string, { hash }: BuildContext): string {
  return /:[^/]+$/.test(name) ? name : `${name}:sluice-${hash}`;
}
