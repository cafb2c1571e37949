// relay-compiler takes the served schema, and makes what a Relay app needs of each kind of document.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import relay from 'relay-compiler';
import { base } from './support.mjs';

test('relay-compiler accepts the schema and the documents', async (t) => {
  const app = await mkdtemp(join(tmpdir(), 'relay-check-'));
  t.after(() => rm(app, { recursive: true, force: true }));
  const sdl = await (await fetch(new URL('/schema.graphql', base))).text();
  const config = { src: '.', schema: 'schema.graphql', language: 'javascript', artifactDirectory: 'artifacts' };
  await mkdir(join(app, 'artifacts'));
  await cp(new URL('relay/documents.js', import.meta.url), join(app, 'documents.js'));
  await writeFile(join(app, 'schema.graphql'), sdl);
  await writeFile(join(app, 'relay.config.json'), JSON.stringify(config));

  // it ends with an error, which rejects, when a document does not fit or a directive of Relay has nothing to stand on
  await promisify(execFile)(relay, ['relay.config.json'], { cwd: app });
  const artifacts = await readdir(join(app, 'artifacts'));
  const source = await readFile(join(app, 'documents.js'), 'utf8');
  const written = [...source.matchAll(/(?:query|fragment|mutation|subscription) (documents_\w+)/g)];
  const named = [...source.matchAll(/queryName: "(\w+)"/g)];
  for (const [, name] of [...written, ...named]) {
    assert.ok(artifacts.includes(`${name}.graphql.js`), `${name} in ${artifacts}`);
  }
});
