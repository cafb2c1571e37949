// Servers in processes of their own: started, found, weighed and ended.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Starts a server, and waits until it says where it listens, unless it has no door. */
export async function start(name, command, words, env = {}, hasDoor = true) {
  const child = spawn(command, words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = [];
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not start:\n${said.join('\n')}`)), 60_000);
    const read = (line) => {
      said.push(line);
      // the colours of a terminal may stand between
      const found = line.match(/listens on .*?(http:\/\/127\.0\.0\.1:\d+)/);
      if (!found) return;
      clearTimeout(timer);
      resolve(found[1]);
    };
    // read to the end: a full pipe would stop it
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', read);
    if (!hasDoor) {
      clearTimeout(timer);
      resolve(null);
    }
    child.on('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${said.join('\n')}`)));
  });
  return { name, url, pid: child.pid, stop: () => stop(child) };
}

function stop(child) {
  return new Promise((resolve) => {
    child.removeAllListeners('exit').on('exit', resolve);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}

/** Processor time of a process so far, in microseconds, to a hundredth of a second. */
export function cpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name of the program may hold spaces; what follows its bracket does not
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Memory that a process holds, in KiB. */
export function memory(pid) {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]);
}

/** The value below which a share of the values lie. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)];
}

/** The middle one. */
export const median = (values) => percentile(values, 0.5);
