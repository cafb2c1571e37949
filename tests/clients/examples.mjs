// The examples that GraphiQL opens with fit the schema the server serves.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import test from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { base } from './support.mjs';

const folder = new URL('../../graphiql/src/examples/', import.meta.url);
const schema = buildSchema(await (await fetch(new URL('/schema.graphql', base))).text());

for (const file of await readdir(folder)) {
  test(`${file} fits the schema`, async () => {
    const document = parse(await readFile(new URL(file, folder), 'utf8'));
    assert.deepEqual(validate(schema, document).map(String), []);
  });
}
