// The official graphql-ws client against the socket at /graphql.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { base, deliver, graphql, token, until } from './support.mjs';

const address = new URL('/graphql', base).href.replace(/^http/, 'ws');

const PROCESSED = `subscription Processed($after: String) {
  recordProcessed(after: $after) { cursor record { id status } }
}`;

test('a query is answered over the socket', async () => {
  const client = connect();
  const answers = client.iterate({ query: '{ viewer { role } }' });
  assert.deepEqual((await answers.next()).value.data, { viewer: { role: 'OWNER' } });
  assert.equal((await answers.next()).done, true);
  await client.dispose();
});

test('an operation that does not fit the schema is an error, and the socket stays', async () => {
  const client = connect();
  // without it the client would close the socket after the error, having nothing left to do
  const other = client.iterate({ query: PROCESSED });
  const event = other.next();
  await assert.rejects(client.iterate({ query: '{ nothing }' }).next(), Array.isArray);
  const answers = client.iterate({ query: '{ viewer { role } }' });
  assert.equal((await answers.next()).value.data.viewer.role, 'OWNER');
  await other.return();
  await event;
  await client.dispose();
});

test('a socket that the client closes is closed in turn, with the same code', async () => {
  const socket = new WebSocket(address, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.close(1000);
  const [code] = await once(socket, 'close');
  assert.equal(code, 1000);
});

test('a token that means nothing is refused with 4403', async () => {
  const client = connect({ Authorization: 'Bearer nonsense' });
  await assert.rejects(client.iterate({ query: PROCESSED }).next(), ({ code }) => code === 4403);
  await client.dispose();
});

test('recordProcessed tells of a record that importRecords brought', async () => {
  const follower = await follow();
  const record = await deliver();
  const { status } = await follower.seen(record);
  assert.notEqual(status, 'RECEIVED');
  await follower.leave();
});

test('resuming after a cursor gives what was missed, each exactly once', async () => {
  const first = await follow();
  const known = await deliver();
  const { cursor } = await first.seen(known);
  await first.leave();

  const missed = [await deliver(), await deliver(), await deliver()];
  await until('the missed records are processed', async () => {
    const { nodes } = await graphql('query($ids: [ID!]!) { nodes(ids: $ids) { ... on Record { status } } }', { ids: missed });
    return nodes.every(({ status }) => status !== 'RECEIVED');
  });

  const second = await follow(cursor);
  for (const record of missed) await second.seen(record);
  // the next one is the proof that nothing of the past is still to come
  const next = await deliver();
  await second.seen(next);
  assert.deepEqual(second.told.toSorted(), [...missed, next].toSorted());
  await second.leave();
});

function connect(connectionParams) {
  return createClient({
    url: address,
    webSocketImpl: WebSocket,
    connectionParams: connectionParams ?? (async () => ({ Authorization: `Bearer ${await token()}` })),
    retryAttempts: 0,
  });
}

/**
 * Subscribes, after a cursor or from now on, and notes what it is told. The client does
 * not learn when a subscription has begun, so "now" is asked for first.
 */
async function follow(after) {
  after ??= (await graphql('{ eventCursor }')).eventCursor;
  const client = connect();
  const events = [];
  let failure = null;
  client.subscribe(
    { query: PROCESSED, variables: { after } },
    {
      next: ({ data }) => events.push(data.recordProcessed),
      error: (error) => (failure = error),
      complete: () => {},
    },
  );
  return {
    get told() {
      return events.map(({ record }) => record.id);
    },
    async seen(id) {
      const { cursor, record } = await until('the event arrives', () => {
        if (failure) throw failure;
        return events.find(({ record }) => record.id === id);
      });
      return { cursor, status: record.status };
    },
    leave: () => client.dispose(),
  };
}
