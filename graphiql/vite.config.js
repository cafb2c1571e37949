import { defineConfig } from 'vite';
import { compress } from './build/compress.js';
import { licences } from './build/licences.js';

const listed = licences();

export default defineConfig({
  // the page is served at /graphiql (no trailing slash), its files below it
  base: '/graphiql/',
  build: {
    target: 'es2022',
    sourcemap: false,
    // every import() of this page happens at once, so preloading would gain nothing
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 5000,
    // dependencies mark modules "use client", which means nothing to a bundle
    rolldownOptions: { onwarn: withoutDirectives },
  },
  worker: {
    format: 'es',
    // workers are built apart; what they bundle has licences too
    plugins: () => [listed.collect],
  },
  plugins: [listed.collect, listed.write, compress()],
});

function withoutDirectives(warning, show) {
  if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') show(warning);
}
