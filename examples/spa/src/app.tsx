import { useApolloClient, useQuery } from '@apollo/client/react';
import { type FormEvent, useState } from 'react';
import { isSignedOut, socket } from './client';
import { VIEWER } from './documents';
import { Problem } from './problem';
import { Queue } from './queue';
import { Records } from './records';
import { signIn, signOut } from './session';

/** The sign-in form, or the books of whoever is signed in. */
export function App() {
  const client = useApolloClient();
  const { data, error, loading, refetch } = useQuery(VIEWER);

  async function leave() {
    await signOut();
    socket.terminate();
    // nothing of this person may be left for the next one
    await client.clearStore();
    await refetch().catch(() => {});
  }

  if (isSignedOut(error)) return <SignIn onDone={() => client.resetStore()} />;
  if (error) return <Problem error={error} onRetry={() => refetch()} />;
  if (loading || !data) return <p className="note">Loading…</p>;
  const { user, tenant } = data.viewer;
  return (
    <>
      <header>
        <h1>{tenant.name}</h1>
        <span>{user.name}</span>
        <button onClick={leave}>Sign out</button>
      </header>
      <main>
        <Queue />
        <Records />
      </main>
    </>
  );
}

function SignIn({ onDone }: { onDone: () => void }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      await signIn(String(form.get('email')), String(form.get('password')));
      onDone();
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>Sign in</h1>
      <label>
        Email <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button disabled={busy}>Sign in</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
