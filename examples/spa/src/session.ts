// Signing in and staying so. The tokens are in cookies that no script can read; this page knows only whether they work.

/** The server refused a sign-in or a refresh; its message is for people. */
export class Refused extends Error {}

/** Signs in by password. */
export async function signIn(email: string, password: string): Promise<void> {
  const answer = await call('sign-in', { email, password });
  if (answer.challenge) throw new Refused('This account has a second factor, which the example does not ask for.');
}

/** Ends the session, here and on the server. */
export async function signOut(): Promise<void> {
  await call('sign-out', {});
}

let renewal: Promise<void> | null = null;

/** Exchanges the refresh token for the next pair. Requests that fail together share one renewal. */
export function renew(): Promise<void> {
  renewal ??= call('refresh', {})
    .then(() => undefined)
    .finally(() => (renewal = null));
  return renewal;
}

async function call(path: string, body: object): Promise<{ challenge?: object | null }> {
  const response = await fetch(`/api/v1/auth/${path}`, {
    method: 'POST',
    // asks for cookies instead of tokens, and proves that no form of another page sent this
    headers: { 'content-type': 'application/json', 'x-session-mode': 'cookie' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.success) throw new Refused(answer.error.message);
  return answer.data;
}
