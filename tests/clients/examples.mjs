// The examples that GraphiQL opens with fit the served schema, and each of their operations runs against the demo
// company with the variables that the page fills in.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import test from 'node:test';
import { buildSchema, Kind, parse, validate } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { variables } from '../../graphiql/src/fill.js';
import { base, deliver, graphql, token } from './support.mjs';

const folder = new URL('../../graphiql/src/examples/', import.meta.url);
const schema = buildSchema(await (await fetch(new URL('/schema.graphql', base))).text());

for (const file of await readdir(folder)) {
  const source = await readFile(new URL(file, folder), 'utf8');
  const document = parse(source);

  test(`${file} fits the schema`, () => assert.deepEqual(validate(schema, document).map(String), []));

  for (const operation of document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)) {
    const name = operation.name.value;
    test(`${file}: ${name} works as it opens`, async () => {
      // as when the page is opened: what was decided by the test before waits no more
      const known = await variables(graphql);
      const wanted = operation.variableDefinitions.map(({ variable }) => variable.name.value);
      // the first tab opens without any
      const given = file === 'spa.graphql' ? {} : Object.fromEntries(wanted.map((name) => [name, known[name]]));
      assert.ok(Object.values(given).every(Boolean), `${JSON.stringify(given)} names something of the demo company`);
      const data = await run(operation.operation, { query: source, operationName: name, variables: given });
      for (const answer of Object.values(data)) assert.deepEqual(answer.errors ?? [], []);
    });
  }
}

/** The answer to an operation, or the first delivery of a subscription. */
async function run(kind, request) {
  if (kind !== 'subscription') return send(request);
  const client = createClient({
    url: new URL('/graphql', base).href.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
  });
  const told = client.iterate(request).next();
  // what is told from now on only needs something to tell; the client does not say when it has begun
  const nudge = setInterval(() => deliver().catch(() => {}), 500);
  const { value } = await told.finally(() => clearInterval(nudge));
  await client.dispose();
  assert.equal(value.errors, undefined);
  return value.data;
}

async function send(request) {
  const response = await fetch(new URL('/graphql', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}` },
    body: JSON.stringify(request),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}
