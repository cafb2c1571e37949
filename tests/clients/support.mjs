// What the checks share: where the server is, who they are there, and records to bring.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server under test. */
export const base = new URL(process.env.BASE_URL ?? 'http://localhost:4000');

/** How long a person would wait before calling it broken, in milliseconds. */
export const PATIENCE = 20_000;

/** A fresh access token of the demo company's owner. */
export async function token() {
  const response = await fetch(new URL('/graphiql/session', base));
  return (await response.json()).accessToken;
}

/** Runs an operation as the owner, by a sign-in of its own or a given one, and answers its data; errors throw. */
export async function graphql(query, variables = {}, bearer) {
  const response = await fetch(new URL('/graphql', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer ?? (await token())}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Brings one new record into the first account and answers its id. */
export async function deliver() {
  const { accounts } = await graphql('{ accounts(first: 1) { edges { node { id } } } }');
  const row = {
    externalId: randomUUID(),
    occurredOn: '2026-02-03',
    description: 'Client check',
    amount: '-12.50',
    currency: 'EUR',
  };
  const { importRecords } = await graphql(
    `mutation Deliver($accountId: ID!, $row: ImportRow!) {
      importRecords(input: { accountId: $accountId, rows: [$row] }) {
        rows { status record { id } }
        errors { message }
      }
    }`,
    { accountId: accounts.edges[0].node.id, row },
  );
  if (importRecords.errors.length > 0) throw new Error(JSON.stringify(importRecords.errors));
  return importRecords.rows[0].record.id;
}

/** Waits until `look` answers something true, and answers it. */
export async function until(what, look) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const seen = await look();
    if (seen) return seen;
    await sleep(50);
  }
  throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
}
