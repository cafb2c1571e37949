// Apollo Client 4 with its HttpLink alone: subscriptions are multipart answers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { base, deliver, graphql, token, until } from './support.mjs';

const PROCESSED = gql`
  subscription Processed($after: String) {
    recordProcessed(after: $after) {
      cursor
      record {
        id
        status
      }
    }
  }
`;

test('a query is answered by the same link', async () => {
  const client = await connect();
  const { data } = await client.query({ query: gql`{ viewer { role } }` });
  assert.equal(data.viewer.role, 'OWNER');
  client.stop();
});

test('recordProcessed tells of a record, and resuming gives what was missed, each exactly once', async () => {
  const first = await follow();
  const known = await deliver();
  const { cursor } = await first.seen(known);
  first.leave();

  const missed = [await deliver(), await deliver()];
  const second = await follow(cursor);
  for (const record of missed) await second.seen(record);
  // the next one is the proof that nothing of the past is still to come; heartbeats are no events
  const next = await deliver();
  await second.seen(next);
  assert.deepEqual(second.told.toSorted(), [...missed, next].toSorted());
  second.leave();
});

test('what does not fit the schema is an error of the subscription', async () => {
  const client = await connect();
  const error = await failure(client, gql`subscription { nothing }`);
  assert.ok(CombinedGraphQLErrors.is(error), error);
  assert.equal(error.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  client.stop();
});

test('a token that means nothing is an error of the subscription', async () => {
  const client = await connect('Bearer nonsense');
  const error = await failure(client, PROCESSED);
  assert.match(JSON.stringify([error, error.message, error.statusCode, error.result]), /401|UNAUTHENTICATED/);
  client.stop();
});

async function connect(authorization) {
  const link = new HttpLink({
    uri: new URL('/graphql', base).href,
    headers: { authorization: authorization ?? `Bearer ${await token()}` },
  });
  return new ApolloClient({ link, cache: new InMemoryCache() });
}

/** What a subscription fails with. */
async function failure(client, query) {
  return new Promise((resolve, reject) => {
    client.subscribe({ query }).subscribe({
      next: ({ error, data }) => (error ? resolve(error) : reject(new Error(`an event came: ${JSON.stringify(data)}`))),
      error: resolve,
      complete: () => reject(new Error('it ended without an error')),
    });
  });
}

/** Subscribes, after a cursor or from now on, and notes what it is told. */
async function follow(after) {
  after ??= (await graphql('{ eventCursor }')).eventCursor;
  const client = await connect();
  const events = [];
  let failed = null;
  const subscription = client.subscribe({ query: PROCESSED, variables: { after } }).subscribe({
    next: ({ data, error }) => (error ? (failed = error) : events.push(data.recordProcessed)),
    error: (error) => (failed = error),
  });
  return {
    get told() {
      return events.map(({ record }) => record.id);
    },
    seen: (id) =>
      until('the event arrives', () => {
        if (failed) throw failed;
        return events.find(({ record }) => record.id === id);
      }),
    leave() {
      subscription.unsubscribe();
      client.stop();
    },
  };
}
