// The official graphql-sse client against the event stream at /graphql.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient } from 'graphql-sse';
import { base, deliver, graphql, token, until } from './support.mjs';

const PROCESSED = `subscription Processed($after: String) {
  recordProcessed(after: $after) { cursor record { id status } }
}`;

test('a query has one answer', async () => {
  const client = connect();
  const answers = client.iterate({ query: '{ viewer { role } }' });
  assert.deepEqual((await answers.next()).value.data, { viewer: { role: 'OWNER' } });
  assert.equal((await answers.next()).done, true);
  client.dispose();
});

test('an operation that does not fit the schema is an answer with errors', async () => {
  const client = connect();
  for (const query of ['{ nothing }', 'subscription { nothing }', '{']) {
    const answers = client.iterate({ query });
    const { value } = await answers.next();
    assert.match(value.errors[0].extensions.code, /^GRAPHQL_/);
    assert.equal((await answers.next()).done, true);
  }
  client.dispose();
});

test('a token that means nothing is refused before the stream begins', async () => {
  const client = connect('Bearer nonsense');
  await assert.rejects(client.iterate({ query: PROCESSED }).next(), ({ response }) => response.status === 401);
  client.dispose();
});

test('recordProcessed tells of a record, and resuming gives what was missed, each exactly once', async () => {
  const first = await follow();
  const known = await deliver();
  const { cursor, status } = await first.seen(known);
  assert.notEqual(status, 'RECEIVED');
  first.leave();

  const missed = [await deliver(), await deliver(), await deliver()];
  const second = await follow(cursor);
  for (const record of missed) await second.seen(record);
  // the next one is the proof that nothing of the past is still to come
  const next = await deliver();
  await second.seen(next);
  assert.deepEqual(second.told.toSorted(), [...missed, next].toSorted());
  second.leave();
});

function connect(authorization) {
  return createClient({
    url: new URL('/graphql', base).href,
    headers: async () => ({ authorization: authorization ?? `Bearer ${await token()}` }),
    retryAttempts: 0,
  });
}

/** Subscribes, after a cursor or from now on, and notes what it is told. */
async function follow(after) {
  after ??= (await graphql('{ eventCursor }')).eventCursor;
  const client = connect();
  const events = [];
  let failure = null;
  client.subscribe(
    { query: PROCESSED, variables: { after } },
    {
      next: ({ data, errors }) => (errors ? (failure = errors) : events.push(data.recordProcessed)),
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
