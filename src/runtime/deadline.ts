/**
 * Waits that end by themselves.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/**
 * Runs `action` with a signal that is aborted when `outer` is, or with `error()` after `delay`
 * milliseconds. The timer is gone when the action is.
 *
 * @throws what the action throws, which should be the signal's reason once that is aborted
 */
export async function withDeadline<T>(
  clock: Clock,
  delay: number,
  error: () => Error,
  outer: AbortSignal | undefined,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  outer?.addEventListener("abort", onAbort, { once: true });
  const timer = clock.setTimer(() => controller.abort(error()), delay);
  try {
    return await action(controller.signal);
  } finally {
    timer.cancel();
    outer?.removeEventListener("abort", onAbort);
  }
}

/**
 * `promise`, or the signal's reason as soon as the signal is aborted. The promise itself goes on;
 * what becomes of it then is ignored.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
