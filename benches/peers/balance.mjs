// balance on the PostgreSQL and Redis of tools/with-services.sh, with its demo company in it.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { send } from './load.mjs';
import { start } from './process.mjs';

const binary = process.env.BALANCE_BIN;
const folder = mkdtempSync(join(tmpdir(), 'balance-peers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const env = {
  BALANCE_ENV: 'development',
  PORT: '0',
  DATA_DIR: folder,
  SECRET_KEY: 'of-a-measurement-that-nobody-will-ever-read',
  ACCESS_TOKEN_MINUTES: '600',
  // counted as always, and never used up
  COST_CLIENT: '1000000000/1000000000',
  COST_TENANT: '1000000000/1000000000',
  STREAMS_PER_CLIENT: '0',
  STREAMS_PER_ADDRESS: '0',
  NO_COLOR: '1',
};

/** Makes the schema and the demo company, and answers its tenant and a token of its owner. */
export async function seed() {
  execFileSync(binary, ['migrate', '--app-role', 'app'], { env: { ...process.env, ...env }, stdio: 'ignore' });
  const server = await serve('api,worker');
  const session = await (await fetch(`${server.url}/graphiql/session`)).json();
  server.headers = { authorization: `Bearer ${session.accessToken}` };
  await settled(server);
  // the latest page is of payees that are known, so that each record has a category, as in books that are kept
  const { records } = await ask(
    server,
    '{ records(first: 100, filter: { status: [APPROVED] }) { edges { node { description } } } }',
  );
  const rows = records.edges.map(({ node }, at) => ({
    ...ROW,
    externalId: randomUUID(),
    occurredOn: '2027-01-01',
    amount: `-${at}.5`,
    description: node.description,
  }));
  await bring(server, rows);
  await settled(server);
  const { viewer } = await ask(server, '{ viewer { tenant { id } } }');
  await server.stop();
  // as autovacuum does within a minute
  const admin = new pg.Client({ connectionString: process.env.SUPERUSER_DATABASE_URL });
  await admin.connect();
  await admin.query('analyze');
  await admin.end();
  const hex = Buffer.from(viewer.tenant.id, 'base64url').toString().split(':')[1];
  const tenant = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { tenant, token: session.accessToken };
}

/** A process of it in these roles. */
export async function serve(roles, token) {
  const server = await start('balance', binary, ['serve', '--roles', roles], env);
  if (token) {
    server.headers = { authorization: `Bearer ${token}` };
    server.init = { Authorization: `Bearer ${token}` };
  }
  return server;
}

/** A process that works on jobs; it has no door. */
export function work() {
  return start('balance worker', binary, ['serve', '--roles', 'worker'], env, false);
}

const ROW = {
  occurredOn: '2020-01-01',
  description: 'Adobe Creative Cloud subscription',
  amount: '-1.00',
  currency: 'EUR',
};

/** Brings records, one unless told otherwise; the decision about each becomes an event. */
export async function bring(server, rows = [{ ...ROW, externalId: randomUUID() }]) {
  const document = `mutation Bring($rows: [ImportRow!]!) {
    importRecords(input: { accountNumber: "PEERS", rows: $rows }) { errors { message } }
  }`;
  const { importRecords } = await ask(server, document, { rows });
  if (importRecords.errors.length > 0) throw new Error(JSON.stringify(importRecords.errors));
}

/** Waits until every record is decided about, and the demo company's bookkeeper has rested for a second. */
async function settled(server) {
  const document = `{
    waiting: records(first: 1, filter: { status: [RECEIVED] }) { totalCount }
    approved: records(first: 1, filter: { status: [APPROVED] }) { totalCount }
  }`;
  let before = 0;
  for (;;) {
    const { waiting, approved } = await ask(server, document);
    if (waiting.totalCount === 0 && approved.totalCount > 0 && approved.totalCount === before) return;
    before = approved.totalCount;
    await sleep(1_000);
  }
}

/** Runs an operation and answers its data. */
export async function ask(server, query, variables) {
  const { text } = await send(server, { query, variables });
  const { data, errors } = JSON.parse(text);
  if (errors) throw new Error(text);
  return data;
}
