// What is sent: requests over connections that stay open, and sockets that listen.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

/** Connections that ask at once. */
export const CONNECTIONS = 32;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

/** Sends one GraphQL request and answers status and text. */
export function send(server, body) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...server.headers,
    };
    const sent = request(`${server.url}/graphql`, { method: 'POST', agent, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Sends a request many times over all connections; an answer that is not 200 ends it. `body` may be made anew each time. */
export async function many(server, body, count) {
  let left = count;
  const next = typeof body === 'function' ? body : () => body;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        const { status, text } = await send(server, next());
        // a refusal is cheap, and would flatter
        const isRefused = status !== 200 || text.includes('RATE_LIMITED');
        if (isRefused) throw new Error(`${server.name} answered ${status}: ${text.slice(0, 300)}`);
      }
    }),
  );
  // the last of its work is after the last answer
  await sleep(50);
}

/** Opens a socket and subscribes; `hear` gets each delivery. Answers the socket once it is acknowledged. */
export function listen(server, query, hear) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: server.init ?? {} })));
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`${server.name} closed a socket: ${code} ${reason}`)));
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
        resolve(socket);
      } else if (message.type === 'next') hear(message.payload);
      else if (message.type === 'ping') socket.send('{"type":"pong"}');
      else if (message.type === 'error') reject(new Error(`${server.name}: ${text}`));
    });
  });
}
