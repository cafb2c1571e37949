/** What went wrong, and a way to try again. */
export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <p role="alert">
      {error.message} {onRetry && <button onClick={onRetry}>Try again</button>}
    </p>
  );
}
