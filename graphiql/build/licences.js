// Writes dist/LICENSES.txt: the licence of every package whose code is in the bundle.
// The licences ask for it, and the bundle is redistributed inside the binary.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Two plugins over one list: `collect` for the page and its workers, `write` for the page. */
export function licences() {
  const packages = new Map();

  return {
    collect: {
      name: 'licences-collect',
      apply: 'build',
      moduleParsed({ id }) {
        const folder = packageOf(id);
        if (folder) packages.set(folder, readPackage(folder));
      },
    },
    write: {
      name: 'licences-write',
      apply: 'build',
      enforce: 'post',
      generateBundle() {
        const entries = [...new Set(packages.values())].sort((a, b) => (a < b ? -1 : 1));
        const intro = 'The GraphiQL page of balance contains the following packages.\n\n';
        this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: intro + entries.join('\n') });
      },
    },
  };
}

/** The folder of the package a module belongs to; none for our own and virtual modules. */
function packageOf(id) {
  const path = id.replace(/[?#].*$/, '').replace(/^\0/, '');
  if (!path.includes('/node_modules/')) return null;
  for (let folder = dirname(path); !folder.endsWith('/node_modules'); folder = dirname(folder)) {
    // folders inside a package may hold a nameless package.json of their own
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name) return folder;
  }
  return null;
}

function readPackage(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice|thirdpartynotices)(\b|-|\.|$)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0) {
    texts.push(`The package brings no licence text. Author: ${author?.name ?? author ?? 'not named'}.`);
  }
  const rule = '-'.repeat(80);
  return [`${rule}\n${name} ${version}: ${license}\n${rule}`, ...texts].join('\n\n') + '\n';
}
