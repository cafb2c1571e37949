// The line above the editor: who is signed in, and how to be somebody else.
import { useState } from 'react';

export function SessionBar({ session, state }) {
  const [asked, setAsked] = useState(false);
  const showForm = asked || state.accessToken === null;

  return (
    <header className="session">
      <span className="session-who" data-testid="session-who">
        {describe(state)}
      </span>
      {showForm ? (
        <SignInForm session={session} onDone={() => setAsked(false)} />
      ) : (
        <button type="button" onClick={() => setAsked(true)}>
          Switch user
        </button>
      )}
      <a href="/schema.graphql">Schema</a>
      <a href="/graphiql/licenses">Licences</a>
    </header>
  );
}

function describe({ accessToken, email, mode }) {
  const where = mode === 'development' ? 'development' : 'production';
  if (accessToken) return `Signed in as ${email ?? 'an unnamed user'} (${where})`;
  // a cookie may still speak for the browser, though this page holds no token
  if (email) return `Signed in as ${email} by cookie (${where})`;
  return `Not signed in (${where})`;
}

function SignInForm({ session, onDone }) {
  const [message, setMessage] = useState(null);
  const [busy, setBusy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    const problem = await session.signIn(form.get('email'), form.get('password'));
    setBusy(false);
    setMessage(problem);
    if (problem === null) onDone();
  }

  return (
    <form className="session-form" onSubmit={submit}>
      <input name="email" type="email" placeholder="Email" aria-label="Email" autoComplete="username" required />
      <input
        name="password"
        type="password"
        placeholder="Password"
        aria-label="Password"
        autoComplete="current-password"
        required
      />
      <button type="submit" disabled={busy}>
        Sign in
      </button>
      {message && <output className="session-problem">{message}</output>}
    </form>
  );
}
