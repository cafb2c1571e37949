// The audits of the GraphQL-over-HTTP specification, as the npm package `graphql-http`
// publishes them. A MUST that fails is an error, a SHOULD a warning; both fail here.
import assert from 'node:assert/strict';
import test from 'node:test';
import { serverAudits } from 'graphql-http';
import { base } from './support.mjs';

for (const { id, name, fn } of serverAudits({ url: new URL('/graphql', base).href })) {
  test(`${id} ${name}`, async () => {
    const { status, reason, response } = await fn();
    // the connection is free again only once the answer was read
    if (response && !response.bodyUsed) await response.body?.cancel();
    assert.ok(status === 'ok' || status === 'notice', `${status}: ${reason}`);
  });
}
