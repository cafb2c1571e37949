// Runs the code of docs/clients.md as it stands there: each client signs in, renews, asks, decides, and follows what
// happens through a cut of its socket.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gql } from '@apollo/client';
import { transformAsync } from '@babel/core';
import relayCompiler from 'relay-compiler';
import WebSocket from 'ws';
import { base, graphql, until } from './support.mjs';

// what a browser has, and Node before 22 has not
globalThis.WebSocket ??= WebSocket;

/** The road to the server, which can be cut. */
const roads = new Set();
const proxy = createServer((near) => {
  const far = connect(base.port, base.hostname);
  for (const [road, other] of [
    [near, far],
    [far, near],
  ]) {
    roads.add(road);
    road.on('error', () => {}).on('close', () => roads.delete(road) && other.destroy());
    road.pipe(other);
  }
});

let folder, page, registered, owner, session, signIn;

before(async () => {
  // beside the packages that the page imports
  folder = await mkdtemp(fileURLToPath(new URL('.snippets-', import.meta.url)));
  const text = await readFile(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  page = join(folder, 'page');
  registered = join(folder, 'registered');
  await mkdir(page);
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${proxy.address().port}`;
  for (const [, name, code] of text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) {
    await writeFile(join(page, name), code.replaceAll('http://127.0.0.1:4000', address));
  }
  await writeFile(join(page, 'package.json'), '{ "type": "module" }');
  await writeFile(join(page, 'schema.graphql'), await (await fetch(new URL('/schema.graphql', base))).text());
  // once as it stands there, and once as it is told further down
  await cp(page, registered, { recursive: true });
  await compileRelay(page);
  // the compiler wants it to be there
  await writeFile(join(registered, 'documents.json'), '{}');
  await compileRelay(registered, { file: 'documents.json', algorithm: 'SHA256' });

  const person = { email: `${randomUUID()}@clients.example`, password: randomUUID() };
  const { registerTenant } = await graphql(
    `
      mutation Register($input: RegisterTenantInput!) {
        registerTenant(input: $input) {
          session {
            accessToken
          }
          errors {
            message
          }
        }
      }
    `,
    { input: { tenantName: 'Clients', name: 'Clara Client', ...person } },
  );
  owner = registerTenant.session.accessToken;
  ({ session, signIn } = await snippet('session.js'));
  await assert.rejects(signIn(person.email, 'not the password'), { code: 'UNAUTHENTICATED' });
  await signIn(person.email, person.password);
});

after(async () => {
  proxy.close();
  cut();
  await rm(folder, { recursive: true, force: true });
});

for (const name of ['plain', 'apollo', 'urql', 'relay']) {
  test(`${name}: a query, and a token that is over is renewed`, async () => {
    const { pending } = await snippet(`${name}.js`);
    await deliver();
    assert.ok((await pending()).waiting.length > 0);
    const before = expire();
    const { waiting, asOf } = await pending();
    assert.ok(asOf && waiting.every(({ record }) => record.description));
    assert.notEqual(session.tokens.refreshToken, before.refreshToken);
  });

  test(`${name}: a mutation, the same again, and what the user is told when it cannot be`, async () => {
    const { approve } = await snippet(`${name}.js`);
    const { approval: id } = await deliver();
    const key = randomUUID();
    const { approval, errors } = await approve(id, key);
    assert.deepEqual([approval, errors.length], [{ ...approval, id, status: 'APPROVED' }, 0]);
    // the answer was lost, and the request is sent again
    const replayed = await approve(id, key);
    assert.deepEqual([replayed.approval, replayed.errors.length], [approval, 0]);
    const another = await approve(id);
    assert.equal(another.errors[0].code, 'CONFLICT');
  });
}

for (const name of ['plain', 'apollo', 'urql', 'relay', 'sse']) {
  test(`${name}: a subscription goes on behind its last cursor, and renews a token that is over`, async (t) => {
    const { pending } = await snippet('plain.js');
    const { watch } = await snippet(`${name}.js`);
    const told = [];
    const { asOf } = await pending();
    const first = await deliver();
    t.after(watch(asOf, (event) => told.push(event.approval.id)));
    await until('the first is told', () => told.includes(first.approval));
    // the connection is lost, and the token is over before there is another
    expire();
    cut();
    const missed = [await deliver(), await deliver()];
    await until('what was missed is told', () => missed.every(({ approval }) => told.includes(approval)));
    const last = await deliver();
    await until('the last is told', () => told.includes(last.approval));
    assert.equal(new Set(told).size, told.length, 'nothing is told twice');
  });
}

for (const name of ['apollo', 'urql']) {
  test(`${name}: a document is sent by its hash, and its text once`, async (t) => {
    const { client } = await snippet(`${name}-persisted.js`);
    const sent = [];
    const unobserved = fetch;
    t.after(() => (globalThis.fetch = unobserved));
    globalThis.fetch = (url, init) => {
      const { query, extensions } = JSON.parse(init.body);
      sent.push([query ? 'text' : 'name', extensions.persistedQuery.sha256Hash]);
      return unobserved(url, init);
    };
    // one that no other run has sent
    const document = gql(`query Fresh${randomUUID().replaceAll('-', '')} { viewer { role } }`);
    const ask = {
      apollo: () => client.query({ query: document, fetchPolicy: 'network-only' }),
      urql: () => client.query(document, {}, { requestPolicy: 'network-only' }).toPromise(),
    }[name];
    for (let time = 0; time < 2; time++) assert.equal((await ask()).data.viewer.role, 'OWNER');
    const [[, hash]] = sent;
    assert.deepEqual(sent, [
      ['name', hash],
      ['text', hash],
      ['name', hash],
    ]);
  });
}

test('relay and fetch: an app that may send registered documents only', async (t) => {
  const { approval: id } = await deliver();
  const manifest = JSON.parse(await readFile(join(registered, 'documents.json'), 'utf8'));
  const documents = Object.entries(manifest).map(([id, text]) => ({ id, text }));
  const { createGraphqlClient } = await graphql(
    `
      mutation {
        createGraphqlClient(input: { name: "my-app", mode: STRICT }) {
          graphqlClient {
            id
          }
          errors {
            message
          }
        }
      }
    `,
    {},
    owner,
  );
  const { registerDocuments } = await graphql(
    `
      mutation Register($input: RegisterDocumentsInput!) {
        registerDocuments(input: $input) {
          errors {
            message
          }
        }
      }
    `,
    { input: { graphqlClientId: createGraphqlClient.graphqlClient.id, documents } },
    owner,
  );
  assert.deepEqual(registerDocuments.errors, []);

  const relay = await snippet('relay.js', registered);
  // a session of its own: it is another copy of the page
  (await snippet('session.js', registered)).session.tokens = session.tokens;
  const { waiting, asOf } = await relay.pending();
  assert.ok(waiting.some((approval) => approval.id === id));
  const told = [];
  t.after(relay.watch(asOf, (event) => told.push(event.approval.id)));
  const { approval } = await relay.approve(id);
  assert.equal(approval.status, 'APPROVED');
  await until('the approval is told', () => told.includes(id));

  const { ask } = await snippet('registered.js');
  const [hash] = Object.entries(manifest).find(([, text]) => text.includes('relayPendingQuery'));
  assert.ok((await ask(hash)).data.approvals);
  const { send } = await snippet('plain.js');
  const { errors } = await send({ query: '{ viewer { role } }' });
  assert.equal(errors[0].extensions.code, 'PERSISTED_QUERY_REQUIRED');
});

/** A module of the page, as an app built it. */
function snippet(name, app = page) {
  return import(pathToFileURL(join(app, name)));
}

/** Loses every connection to the server. */
function cut() {
  for (const road of roads) road.destroy();
}

/** Makes the access token one that the server does not know, and answers the tokens before. */
function expire() {
  const before = session.tokens;
  session.tokens = { ...before, accessToken: 'nonsense' };
  return before;
}

/** What an app does with Relay when it is built: the compiler, and the plugin that puts its artifacts in place. */
async function compileRelay(app, persistConfig) {
  const artifacts = join(app, '__generated__');
  const config = join(app, 'relay.config.json');
  const written = JSON.parse(await readFile(config, 'utf8'));
  await writeFile(config, JSON.stringify({ ...written, persistConfig }));
  await mkdir(artifacts);
  await promisify(execFile)(relayCompiler, ['relay.config.json'], { cwd: app });
  const file = join(app, 'relay.js');
  const { code } = await transformAsync(await readFile(file, 'utf8'), {
    cwd: app,
    filename: file,
    babelrc: false,
    configFile: false,
    plugins: [['relay', { artifactDirectory: artifacts, eagerEsModules: true }]],
  });
  await writeFile(file, code.replaceAll('.graphql"', '.graphql.js"'));
}

/** Brings a record, and answers the approval it waits for. */
async function deliver() {
  // a text for which the default chart has a category, so that there is a proposal to accept
  const description = 'Adobe Creative Cloud subscription';
  const row = { externalId: randomUUID(), occurredOn: '2026-02-03', description, amount: '-12.50', currency: 'EUR' };
  const { importRecords } = await graphql(
    `
      mutation Deliver($row: ImportRow!) {
        importRecords(input: { accountNumber: "NL01", rows: [$row] }) {
          rows {
            record {
              id
            }
          }
          errors {
            message
          }
        }
      }
    `,
    { row },
    owner,
  );
  const { id } = importRecords.rows[0].record;
  const approval = await until('the record waits for a decision', async () => {
    const { approvals } = await graphql(
      '{ approvals(last: 20, filter: { status: [PENDING] }) { edges { node { id record { id } } } } }',
      {},
      owner,
    );
    return approvals.edges.find(({ node }) => node.record.id === id)?.node.id;
  });
  return { record: id, approval };
}
