// Leaves a brotli copy beside each built file that gains from one, for the server to
// send as it is: brotli at its best level is too slow to run per request.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

export function compress() {
  let out;
  return {
    name: 'compress',
    apply: 'build',
    configResolved(config) {
      out = config.build.outDir;
    },
    closeBundle() {
      const assets = join(out, 'assets');
      for (const name of readdirSync(assets)) {
        const raw = readFileSync(join(assets, name));
        const small = brotliCompressSync(raw, {
          params: { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length, [constants.BROTLI_PARAM_LGWIN]: 24 },
        });
        if (raw.length > 1024 && small.length < raw.length * 0.9) {
          writeFileSync(join(assets, `${name}.br`), small);
        }
      }
    },
  };
}
