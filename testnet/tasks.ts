/**
 * Work that goes on in the background and whose end must be certain.
 *
 * @module
 */

/** The tasks that are not done. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Takes charge of a task; a failure is thrown by {@link idle}. */
  add(task: Promise<void>): void {
    const done = task.catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  /**
   * Resolves when nothing is running any more.
   *
   * @throws what the first task that failed has thrown
   */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
