import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, isAbandoned } from "../api/errors";
import { useServices } from "../services";

/** What was asked for, as far as it is here. */
export interface Load<T> {
  readonly data?: T;
  readonly error?: ApiError;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Loads once, again when `load` becomes another function, when asked to, and when the network is back after a failure.
 * Data of an earlier round stays in view until the new one is here.
 */
export function useLoad<T>(load: (signal: AbortSignal, again: boolean) => Promise<T>): Load<T> {
  const { online } = useServices();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ of: typeof load; data?: T; error?: ApiError; loading: boolean }>({
    of: load,
    loading: true,
  });
  const reload = useCallback(() => setRound((number) => number + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    setState((before) => (before.of === load ? { ...before, loading: true } : { of: load, loading: true }));
    load(abort.signal, round > 0).then(
      (data) => abort.signal.aborted || setState({ of: load, data, loading: false }),
      (error) => {
        if (abort.signal.aborted || isAbandoned(error)) {
          return;
        }
        if (!(error instanceof ApiError)) {
          throw error;
        }
        setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => abort.abort();
  }, [load, round]);

  const failed = state.error !== undefined;
  useEffect(
    () => (failed ? online.subscribe(() => online.value && reload()) : undefined),
    [failed, online, reload],
  );

  const { of, ...current } = state.of === load ? state : { of: load, loading: true };
  return { ...current, reload };
}
