// Runs the code of docs/clients.md as it stands there: each client signs in, renews, asks, decides, and follows what
// happens through a cut of its socket.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
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

let folder, owner, session, signIn;

before(async () => {
  // beside the packages that the page imports
  folder = await mkdtemp(fileURLToPath(new URL('.snippets-', import.meta.url)));
  const page = await readFile(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${proxy.address().port}`;
  for (const [, name, code] of page.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) {
    await writeFile(join(folder, name), code.replaceAll('http://127.0.0.1:4000', address));
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await compileRelay();

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
  test(`${name}: a subscription goes on behind its last cursor, and renews a token that is over`, async () => {
    const { pending } = await snippet('plain.js');
    const { watch } = await snippet(`${name}.js`);
    const told = [];
    const { asOf } = await pending();
    const first = await deliver();
    const stop = watch(asOf, (event) => told.push(event.approval.id));
    await until('the first is told', () => told.includes(first.approval));
    // the connection is lost, and the token is over before there is another
    expire();
    cut();
    const missed = [await deliver(), await deliver()];
    await until('what was missed is told', () => missed.every(({ approval }) => told.includes(approval)));
    const last = await deliver();
    await until('the last is told', () => told.includes(last.approval));
    assert.equal(new Set(told).size, told.length, 'nothing is told twice');
    stop();
  });
}

/** A module of the page. */
function snippet(name) {
  return import(pathToFileURL(join(folder, name)));
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
async function compileRelay() {
  await mkdir(join(folder, '__generated__'));
  await writeFile(join(folder, 'schema.graphql'), await (await fetch(new URL('/schema.graphql', base))).text());
  await promisify(execFile)(relayCompiler, ['relay.config.json'], { cwd: folder });
  const file = join(folder, 'relay.js');
  const { code } = await transformAsync(await readFile(file, 'utf8'), {
    cwd: folder,
    filename: file,
    babelrc: false,
    configFile: false,
    plugins: [['relay', { artifactDirectory: join(folder, '__generated__'), eagerEsModules: true }]],
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
