/**
 * One C tor of the private network: what it is, and what can be done to it.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";

/** What a node of the network is for. */
export type NodeRole = "authority" | "exit" | "middle";

/** What is settled of a node before it is started. */
export interface NodePlan {
  readonly nickname: string;
  readonly role: NodeRole;
  readonly hostname: string;
  readonly orPort: number;
  /** The HTTP directory port of an authority. */
  readonly dirPort: number;
  readonly dataDirectory: string;
  /** Fingerprint of the RSA identity key: 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
}

/** How long a node may take to listen again after it was started again, in milliseconds. */
const RESTART_TIMEOUT = 20_000;

/** A node that was started. All of them relay; only exits reach the web server. */
export class CTorNode implements NodePlan {
  readonly nickname: string;
  readonly role: NodeRole;
  readonly hostname: string;
  readonly orPort: number;
  readonly dirPort: number;
  readonly dataDirectory: string;
  readonly fingerprint: string;
  readonly #torrc: string;
  #process: ChildProcess;

  /**
   * Starts tor.
   *
   * @param torrc where its configuration is
   */
  constructor(plan: NodePlan, torrc: string) {
    this.nickname = plan.nickname;
    this.role = plan.role;
    this.hostname = plan.hostname;
    this.orPort = plan.orPort;
    this.dirPort = plan.dirPort;
    this.dataDirectory = plan.dataDirectory;
    this.fingerprint = plan.fingerprint;
    this.#torrc = torrc;
    this.#process = this.#start();
  }

  /** The process that runs now, or ran last. */
  get process(): ChildProcess {
    return this.#process;
  }

  /** Where its OR port is, `address:port`. */
  get address(): string {
    return `${this.hostname}:${this.orPort}`;
  }

  /** Ends it with SIGKILL: its peers see their connections reset, and later ones refused. */
  async kill(): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#process.ended;
  }

  /** Stops it with SIGSTOP: the system still accepts connections for it, but nothing answers. */
  pause(): void {
    this.#process.signal("SIGSTOP");
  }

  /** Lets it go on with SIGCONT. */
  resume(): void {
    this.#process.signal("SIGCONT");
  }

  /**
   * Starts it again, when it has ended, with the keys and the directory that it had; resolves when
   * its OR port listens.
   */
  async restart(): Promise<void> {
    if (this.#process.running) return;
    this.#process = this.#start();
    await this.#process.line(/Opened OR listener connection \(ready\)/, RESTART_TIMEOUT);
  }

  /** Ends it, in good order if it can. */
  async stop(): Promise<void> {
    // One that is stopped by SIGSTOP would not hear SIGTERM.
    this.resume();
    await this.#process.stop();
  }

  #start(): ChildProcess {
    return new ChildProcess(this.nickname, ["tor", "-f", this.#torrc]);
  }
}
