// KFP's REST API as its description has it: which request is which operation, and whether what is sent and answered has the promised shape.
// The test server is made of this, so that it cannot answer what Kubeflow would not.
import Ajv, { type ValidateFunction } from 'ajv';
import openapi from '../../src/kfp/gen/openapi.json';

type Json = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly schema: Json }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: {
    readonly 200: { readonly content: { readonly 'application/json': { readonly schema: Json } } };
  };
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

export interface Call {
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Json;
}

const description = openapi as unknown as Description;
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addFormat('date-time', text => !Number.isNaN(Date.parse(text)));
ajv.addFormat('binary', true);
ajv.addSchema({ $id: 'kfp', components: { schemas: strict(description.components.schemas) } });

const routes = Object.entries(description.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => makeRoute(verb.toUpperCase(), path, operation))
);

interface Route {
  readonly verb: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly operation: Operation;
  readonly checkBody: ValidateFunction | undefined;
  readonly checkAnswer: ValidateFunction;
}

function makeRoute(verb: string, path: string, operation: Operation): Route {
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1]!);
  const source = path.split(/\{[^}]+\}/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const body = operation.requestBody?.content['application/json']?.schema;
  return {
    ...{ verb, names, operation },
    pattern: new RegExp(`^${source.join('([^/:]+)')}$`),
    checkBody: body && ajv.compile(toLocal(body)),
    checkAnswer: ajv.compile(toLocal(operation.responses[200].content['application/json'].schema))
  };
}

/** What a request asks for; undefined where the description has no such path. @throws Error what is wrong with it */
export function findCall(verb: string, url: URL, body: string): (Call & { check(answer: unknown): void }) | undefined {
  const route = routes.find(route => route.verb === verb && route.pattern.test(url.pathname));
  if (route === undefined) return undefined;
  const { names, operation, pattern, checkBody, checkAnswer } = route;
  const known = (operation.parameters ?? []).filter(parameter => parameter.in === 'query').map(({ name }) => name);
  for (const name of url.searchParams.keys())
    if (!known.includes(name)) throw new Error(`${operation.operationId} has no parameter ${name}`);
  const json = body === '' ? {} : (JSON.parse(body) as Json);
  if (checkBody !== undefined && !checkBody(json))
    throw new Error(`${operation.operationId}: ${ajv.errorsText(checkBody.errors)}`);
  const values = pattern.exec(url.pathname)!.slice(1).map(decodeURIComponent);
  return {
    operation: operation.operationId,
    path: Object.fromEntries(names.map((name, i) => [name, values[i]!])),
    query: Object.fromEntries(url.searchParams),
    body: json,
    check(answer) {
      // what is sent is what counts: what is undefined is not sent
      if (!checkAnswer(JSON.parse(JSON.stringify(answer))))
        throw new Error(`the test server’s answer to ${operation.operationId}: ${ajv.errorsText(checkAnswer.errors)}`);
    }
  };
}

/** Models have the properties that they have, and no others. */
function strict(schemas: Description['components']['schemas']): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      toLocal('properties' in schema ? { ...schema, additionalProperties: false } : schema)
    ])
  );
}

function toLocal(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"kfp#/components')) as Json;
}
