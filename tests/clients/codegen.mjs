// graphql-codegen makes types of the whole served schema and of every example, and the strict compiler takes them; what
// does not fit the schema it refuses.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, isIntrospectionType } from 'graphql';
import { base } from './support.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const tsc = join(here, 'node_modules/typescript/bin/tsc');
const sdl = await (await fetch(new URL('/schema.graphql', base))).text();

/** A folder with the types in it, in which `use.ts` is compiled. */
async function compile(t, use) {
  const app = await mkdtemp(join(tmpdir(), 'codegen-check-'));
  t.after(() => rm(app, { recursive: true, force: true }));
  await symlink(join(here, 'node_modules'), join(app, 'node_modules'));
  await writeFile(join(app, 'schema.graphql'), sdl);
  await writeFile(join(app, 'use.ts'), use);
  const scalars = { Date: 'string', DateTime: 'string', Decimal: 'string', JSON: 'unknown' };
  const config = { strictScalars: true, scalars, enumsAsTypes: true, useTypeImports: true };
  const documents = join(here, '../../graphiql/src/examples/*.graphql');
  await generate(
    {
      cwd: app,
      silent: true,
      schema: join(app, 'schema.graphql'),
      generates: {
        [join(app, 'schema.ts')]: { plugins: ['typescript'], config },
        // each field of each type with its arguments; our type Record would hide the one this generator uses
        [join(app, 'resolvers.ts')]: {
          plugins: ['typescript', 'typescript-resolvers'],
          config: { ...config, typesPrefix: 'Api' },
        },
        [join(app, 'documents.ts')]: {
          documents,
          plugins: ['typescript-operations', 'typed-document-node'],
          config: { ...config, dedupeOperationSuffix: true },
        },
      },
    },
    true,
  );
  const strict = ['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--noUnusedParameters', '--skipLibCheck'];
  const modules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022'];
  const files = ['schema.ts', 'resolvers.ts', 'documents.ts', 'use.ts'];
  return promisify(execFile)(process.execPath, [tsc, ...strict, ...modules, ...files], { cwd: app });
}

test('the types of the whole schema and of every example compile', async (t) => {
  const types = Object.values(buildSchema(sdl).getTypeMap()).filter((type) => !isIntrospectionType(type));
  const objects = types.filter((type) => type.astNode?.kind === 'ObjectTypeDefinition');
  assert.ok(objects.length > 100, `${objects.length} types`);
  const used = objects.map(({ name }) => `Schema.${name}['__typename']`);
  const use = `import type * as Schema from './schema';\nexport type Names = ${used.join(' | ')};\n`;
  await compile(t, use);
});

test('what is not of the schema does not compile', async (t) => {
  const use = `import type { CreateRuleInput } from './schema';\nexport const input: CreateRuleInput = { name: 7 };\n`;
  const refused = await compile(t, use).then(
    () => '',
    (error) => String(error.stdout),
  );
  assert.match(refused, /use\.ts.*error TS/);
});
