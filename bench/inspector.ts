/**
 * V8's CPU profiler in another process, spoken to through its inspector.
 *
 * @module
 */

/** Time between two samples, in microseconds; with much less, the profiler is what is measured. */
const SAMPLING_INTERVAL = 1000;

/** One place in the program, as the inspector's `Profiler.ProfileNode` says it. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** Counted from zero. */
    readonly lineNumber: number;
  };
}

/** What the profiler has seen, as the inspector's `Profiler.Profile` says it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that each sample was taken in. */
  readonly samples: readonly number[];
  /** Microseconds from the sample before to each sample. */
  readonly timeDeltas: readonly number[];
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A connection to a process that was started with `--inspect`. */
export class InspectedProcess implements Disposable {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#answered(JSON.parse(data));
    socket.onclose = () => {
      for (const { reject } of this.#pending.values()) reject(new Error("the inspector is gone"));
    };
  }

  /** Connects to the inspector that listens at `endpoint`. */
  static async connect(endpoint: { hostname: string; port: number }): Promise<InspectedProcess> {
    const response = await fetch(`http://${endpoint.hostname}:${endpoint.port}/json/list`);
    const [{ webSocketDebuggerUrl }] = await response.json();
    const socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("the inspector does not answer"));
    });
    return new InspectedProcess(socket);
  }

  /** Begins to take samples. */
  async startProfile(): Promise<void> {
    await this.#call("Profiler.enable");
    await this.#call("Profiler.setSamplingInterval", { interval: SAMPLING_INTERVAL });
    await this.#call("Profiler.start");
  }

  /** Ends taking samples. */
  async stopProfile(): Promise<CpuProfile> {
    const { profile } = await this.#call("Profiler.stop") as { profile: CpuProfile };
    return profile;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #call(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = ++this.#sent;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(id, pending);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return pending.promise;
  }

  #answered(answer: Answer): void {
    if (answer.id === undefined) return;
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.error === undefined) pending?.resolve(answer.result);
    else pending?.reject(new Error(answer.error.message));
  }
}
