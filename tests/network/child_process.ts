/**
 * A child process whose log lines can be waited for and whose end is certain.
 *
 * @module
 */

/** How many of the newest log lines are kept, to be shown when something fails. */
const KEPT_LINES = 500;

/** How long a child may take to end after SIGTERM before it gets SIGKILL, in milliseconds. */
const TERMINATION_GRACE = 10_000;

interface LineWaiter {
  readonly pattern: RegExp;
  resolve(match: RegExpMatchArray): void;
  reject(error: Error): void;
}

/** A running command; its standard output and error are read as lines of one log. */
export class ChildProcess implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended and all its output is read; never rejects. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<LineWaiter>();
  #status: Deno.CommandStatus | undefined;

  /**
   * Starts the command at once.
   *
   * @param name what to call it in messages
   * @param command the program and its arguments
   * @throws Deno.errors.NotFound when there is no such program
   */
  constructor(name: string, command: readonly [string, ...string[]]) {
    const [program, ...args] = command;
    this.name = name;
    this.#child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#follow();
  }

  /** The newest log lines, as one text. */
  get log(): string {
    return this.#lines.join("\n");
  }

  /** Whether the process has not ended yet. */
  get running(): boolean {
    return this.#status === undefined;
  }

  /**
   * Waits for a log line that matches, counting those already read and still kept.
   *
   * @param timeout in milliseconds
   * @throws Error with the log's end, when the process ends or the time is up before
   */
  async line(pattern: RegExp, timeout: number): Promise<RegExpMatchArray> {
    for (const line of this.#lines) {
      const match = line.match(pattern);
      if (match) return match;
    }
    if (!this.running) throw this.#failure(`ended before it logged ${pattern}`);
    const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
    const waiter: LineWaiter = { pattern, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(
      () => reject(this.#failure(`did not log ${pattern} within ${timeout} ms`)),
      timeout,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  /** Sends a signal; does nothing when the process has ended. */
  signal(signal: Deno.Signal): void {
    if (!this.running) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It may have ended while nobody looked; any other reason is a fault.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Ends the process with SIGTERM, or SIGKILL when that does not help, and waits for its end. */
  async stop(): Promise<Deno.CommandStatus> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), TERMINATION_GRACE);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #follow(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status.then((status) => this.#status = status),
      this.#read(this.#child.stdout),
      this.#read(this.#child.stderr),
    ]);
    for (const waiter of this.#waiters) {
      waiter.reject(this.#failure(`ended before it logged ${waiter.pattern}`));
    }
    return status;
  }

  async #read(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of output.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    if (rest !== "") this.#take(rest);
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const waiter of this.#waiters) {
      const match = line.match(waiter.pattern);
      if (match) waiter.resolve(match);
    }
  }

  #failure(what: string): Error {
    const status = this.#status === undefined ? "" : ` (exit code ${this.#status.code})`;
    return new Error(`${this.name} ${what}${status}; its log ends:\n${this.#tail()}`);
  }

  #tail(): string {
    return this.#lines.slice(-30).map((line) => `  ${line}`).join("\n");
  }
}

/**
 * Runs a command to its end.
 *
 * @param input written to its standard input
 * @returns its standard output
 * @throws Error with its standard error, when it fails
 */
export async function run(
  command: readonly [string, ...string[]],
  input = "",
): Promise<string> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${program} failed with exit code ${code}:\n${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}

/** Whether a program of this name can be started. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
