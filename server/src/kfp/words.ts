// What it means when Kubeflow does not answer as it should: the cause, the server, and the cure.
import { PipelineError } from '../errors.js';
import type { KfpAccess } from './access.js';

/** Whom we asked, as people know it. */
export interface Asked {
  /** URL or context */
  readonly where: string;
  readonly access: KfpAccess;
}

/** An answer that is not what was asked for. */
export interface BadAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly location?: string;
  readonly body: string;
}

const certificateFaults: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired. Ask its administrator to renew it.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is another host’s. Use the name that the certificate has.'
};
const unknownAuthority =
  'its certificate is signed by an authority that this machine does not know. Put the authority’s certificate in a file and name it in SLUICE_KFP_CA (or set SLUICE_KFP_INSECURE=1 to trust whoever answers).';

/** The request got no answer. */
export function describeUnreachable({ where }: Asked, cause: unknown): PipelineError {
  const code = codeOf(cause);
  const because = (why: string) =>
    new PipelineError(`Kubeflow Pipelines at ‘${where}’ can’t be reached: ${why}`, 'unreachable', { cause });
  const { name, message } = cause as { name?: unknown; message?: unknown };
  if (name === 'TimeoutError') return because('it did not answer in time. Is the URL right, and the network up?');
  if (certificateFaults[code] !== undefined) return because(certificateFaults[code]);
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code)) return because(unknownAuthority);
  if (/EPROTO|SSL|TLS/.test(code))
    return because('it does not speak TLS as we do. If it has no https, write http:// in its URL.');
  switch (code) {
    case 'ECONNREFUSED':
      return because('nothing listens there. Is it running, and the port right?');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return because('there is no host of that name. Check the URL.');
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return because('it did not answer in time. Is the URL right, and the network up?');
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return because('the connection was cut. Try again.');
    default:
      return because(`${String(message ?? cause)}.`);
  }
}

/** undici and fetch wrap the system's error, some of them twice. */
function codeOf(error: unknown): string {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code, errors } = at as { code?: unknown; errors?: unknown };
    if (typeof code === 'string') return code;
    if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  }
  return '';
}

/** The server answered, but not with what was asked for. */
export function describeAnswer(asked: Asked, answer: BadAnswer, what: string): PipelineError {
  const { where } = asked;
  const { status, location, contentType } = answer;
  if (location !== undefined && status >= 300 && status < 400) return describeRedirect(asked, location);
  const said = readMessage(answer.body);
  if (status === 401) return unauthorized(asked, 'did not accept who we are', said);
  if (status === 403)
    return new PipelineError(
      `Kubeflow Pipelines at ‘${where}’ does not allow us to ${what}${said === '' ? '' : `: ${said}`}. Use a namespace that you may work in (--namespace), or ask for the right.`,
      'unauthorized'
    );
  if (contentType.includes('html')) {
    if (/log ?in|sign ?in|dex|oauth/i.test(answer.body)) return unauthorized(asked, 'answered with a login page', '');
    return new PipelineError(
      `‘${where}’ answered with a web page and not with Kubeflow’s API. Write the URL up to what comes before /apis, such as https://HOST/pipeline.`,
      'unreachable'
    );
  }
  if (status === 404 && said === '')
    return new PipelineError(`‘${where}’ has no API of Kubeflow Pipelines 2. Check the URL.`, 'unreachable');
  if (status === 429 || status === 502 || status === 503 || status === 504)
    return new PipelineError(
      `Kubeflow Pipelines at ‘${where}’ is too busy or not ready (status ${status}). Try again later.`,
      'unreachable'
    );
  const how = said === '' ? `it answered with status ${status}` : said;
  return new PipelineError(
    `Kubeflow Pipelines at ‘${where}’ could not ${what}: ${how.replace(/\.$/, '')}.`,
    status === 404 ? 'not-found' : 'remote'
  );
}

function describeRedirect(asked: Asked, location: string): PipelineError {
  const { where } = asked;
  if (/login|signin|dex|oauth|auth|accounts\./i.test(location))
    return unauthorized(asked, 'sent us to a login page', '');
  const target = URL.canParse(location, where) ? new URL(location, where) : undefined;
  const to =
    target === undefined
      ? ''
      : ` It names ‘${target.origin}${target.pathname.replace(/\/apis\/.*$/, '')}’ instead: write that URL.`;
  return new PipelineError(`‘${where}’ sends requests elsewhere.${to}`, 'unreachable');
}

function unauthorized({ where, access }: Asked, how: string, said: string): PipelineError {
  const expiresAt = access.expiresAt();
  const isExpired = expiresAt !== undefined && expiresAt < Date.now();
  const why = isExpired
    ? `The token expired on ${new Date(expiresAt).toLocaleString('sv')}.`
    : {
        token: 'The token is not valid there, or has expired.',
        cookie: 'The session of the cookie has ended, or it is another server’s.',
        none: 'It asks for a login.'
      }[access.credential];
  const cure = {
    token:
      access.way === 'cluster'
        ? 'Start the notebook server again, or mount a token with the audience ‘pipelines.kubeflow.org’.'
        : 'Put a new one in SLUICE_KFP_TOKEN.',
    cookie: 'Log in with a browser and put its new cookie in SLUICE_KFP_COOKIE.',
    none: 'Put a token in SLUICE_KFP_TOKEN, or a browser’s cookie of it in SLUICE_KFP_COOKIE.'
  }[access.credential];
  const detail = said === '' ? '' : ` (${said})`;
  return new PipelineError(`Kubeflow Pipelines at ‘${where}’ ${how}${detail}. ${why} ${cure}`, 'unauthorized');
}

/** The server's own words: those that are for people. Its stack of wrapped errors goes. */
function readMessage(body: string): string {
  try {
    const { message, error, error_message: long } = JSON.parse(body) as Record<string, unknown>;
    const text = [message, error, long].find(value => typeof value === 'string' && value !== '') as string | undefined;
    return (text ?? '').replaceAll(/\s+/g, ' ').slice(0, 500);
  } catch {
    return '';
  }
}
