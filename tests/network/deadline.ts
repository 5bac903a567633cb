/**
 * Ends what takes too long.
 *
 * @module
 */

/**
 * Runs a task on a connection and closes the connection at the end of it, however it ends; or
 * before, when the time is up, which makes the task's reads and writes fail.
 *
 * @param milliseconds how long it may take
 * @param what names the task in the error
 * @throws Error when the time is up; else what the task throws
 */
export async function withDeadline<T>(
  conn: Deno.Conn,
  milliseconds: number,
  what: string,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await beforeDeadline(conn, milliseconds, what, task);
  } finally {
    close(conn);
  }
}

/**
 * The same, but the connection stays open when the task succeeds.
 *
 * @throws Error when the time is up; else what the task throws
 */
export async function withDeadlineOpen<T>(
  conn: Deno.Conn,
  milliseconds: number,
  what: string,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await beforeDeadline(conn, milliseconds, what, task);
  } catch (error) {
    close(conn);
    throw error;
  }
}

async function beforeDeadline<T>(
  conn: Deno.Conn,
  milliseconds: number,
  what: string,
  task: () => Promise<T>,
): Promise<T> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    close(conn);
  }, milliseconds);
  try {
    return await task();
  } catch (error) {
    if (late) throw new Error(`${what} took over ${milliseconds} ms`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    // Closed before, by the deadline or by the task.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
