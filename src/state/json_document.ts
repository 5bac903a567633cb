/**
 * A JSON file in the data directory with a schema: loaded once, kept in memory, and written some
 * seconds after it changed. Its last member is the SHA-256 of the text that the file has without
 * that member, so that bytes that went wrong on the disk are not believed:
 *
 * ```text
 * {
 *   "version": 1,
 *   ...
 *   "sha256": "64 hexadecimal digits"
 * }
 * ```
 *
 * A file without the member is read as it is: take the member away to change a file by hand.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { DataDirectory } from "./data_directory.ts";
import { newerFile } from "./data_files.ts";
import { diskTrouble } from "./disk_trouble.ts";
import { StateError } from "./errors.ts";

/** What a {@link JsonDocument} is made of. */
export interface JsonDocumentOptions<Value extends { readonly version: number }> {
  /** The file's name in the data directory. */
  readonly name: string;
  /** Checks the parsed JSON; its output is the document's value. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** The highest `version` that this program understands. */
  readonly version: number;
  /** The value to start with when there is no file or it makes no sense. */
  readonly initial: () => Value;
  /** Files larger than this many bytes are set aside unread; 4 MiB unless given. */
  readonly maxBytes?: number;
  /** Milliseconds from the first change to the write that carries it; 3,000 unless given. */
  readonly saveDelay?: number;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const DEFAULT_SAVE_DELAY = 3000;
/** Milliseconds until a failed save is tried again. */
const RETRY_DELAY = 60_000;

const logger = new Logger("state");
const versioned = v.object({ version: v.pipe(v.number(), v.integer()) });

/** One typed document; the file has a whole-number member `version`. */
export class JsonDocument<Value extends { readonly version: number }> {
  readonly #directory: DataDirectory;
  readonly #clock: Clock;
  readonly #options: JsonDocumentOptions<Value>;
  #value: Value;
  /** The text that the file has now; `undefined` when it has none. */
  #saved: string | undefined;
  #timer: { readonly timer: Timer; readonly due: number } | undefined;
  #saving: Promise<void> = Promise.resolve();
  /** Nothing is saved before this time of the monotonic clock, because saving just failed. */
  #notBefore = -Infinity;
  /** Whether the last save failed. */
  #isFailing = false;

  private constructor(
    directory: DataDirectory,
    clock: Clock,
    options: JsonDocumentOptions<Value>,
    value: Value,
    saved: string | undefined,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#options = options;
    this.#value = value;
    this.#saved = saved;
  }

  /**
   * Reads the file. One that is no JSON or does not fit the schema is set aside with a warning,
   * and the document starts anew.
   *
   * @throws StateError `state-file-newer` when its version is higher than `options.version`;
   * `state-file-unreadable`; `state-file-unwritable` when it cannot be set aside
   */
  static async load<Value extends { readonly version: number }>(
    directory: DataDirectory,
    clock: Clock,
    options: JsonDocumentOptions<Value>,
  ): Promise<JsonDocument<Value>> {
    const contents = await readContents(directory, options);
    if (contents.kind === "absent") {
      return new JsonDocument(directory, clock, options, options.initial(), undefined);
    }
    if (contents.kind === "valid") {
      return new JsonDocument(directory, clock, options, contents.value, contents.text);
    }
    const aside = await directory.setAside(options.name, clock.now());
    logger.warn(
      `${options.name} makes no sense (${contents.reason}): it was renamed to ${aside}, and chive starts without it.`,
    );
    return new JsonDocument(directory, clock, options, options.initial(), undefined);
  }

  /** The newest value, saved or not. */
  get value(): Value {
    return this.#value;
  }

  /**
   * Gives the document a new value, which is saved within `delay` milliseconds (`saveDelay` unless
   * given) if its JSON differs from the file's. A save that fails is logged and tried again.
   */
  set(value: Value, delay = this.#options.saveDelay ?? DEFAULT_SAVE_DELAY): void {
    this.#value = value;
    this.#schedule(delay);
  }

  /**
   * Saves at once what is not saved yet, and stops the timer: to be called before the end.
   *
   * @throws StateError `state-file-unwritable`
   */
  async flush(): Promise<void> {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    // One save after the other, so that the text compared with is what the file really has.
    const turn = this.#saving.then(() => this.#save());
    this.#saving = turn.catch(() => undefined);
    await turn;
  }

  #schedule(delay: number): void {
    const now = this.#clock.monotonic();
    const due = Math.max(now + delay, this.#notBefore);
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.#timer?.timer.cancel();
    const timer = this.#clock.setTimer(() => {
      this.flush().catch((error: unknown) => {
        const line = `${this.#options.name} could not be saved and will be tried again: ${
          describeError(error)
        }`;
        // The data directory has said what is wrong with the disk, and this was said once.
        if (this.#isFailing || diskTrouble(error) !== undefined) logger.info(line);
        else logger.warn(line);
        this.#isFailing = true;
        this.#notBefore = this.#clock.monotonic() + RETRY_DELAY;
        this.#schedule(RETRY_DELAY);
      });
    }, due - now);
    this.#timer = { timer, due };
  }

  async #save(): Promise<void> {
    const text = withChecksum(JSON.stringify(this.#value, null, 2) + "\n");
    if (text === this.#saved) return;
    await this.#directory.write(this.#options.name, new TextEncoder().encode(text));
    this.#saved = text;
    this.#isFailing = false;
  }
}

type Contents<Value> =
  | { readonly kind: "absent" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "valid"; readonly value: Value; readonly text: string };

/** The text of an object that is not empty, with the checksum as a further member. */
function withChecksum(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex");
  return text.slice(0, -"\n}\n".length) + `,\n  "sha256": "${digest}"\n}\n`;
}

/** Whether the text is what its checksum is for; a text that has none is. */
function fitsChecksum(text: string): boolean {
  const at = text.search(/,\n {2}"sha256": "[0-9a-f]{64}"\n\}\n$/);
  return at < 0 || withChecksum(text.slice(0, at) + "\n}\n") === text;
}

async function readContents<Value extends { readonly version: number }>(
  directory: DataDirectory,
  options: JsonDocumentOptions<Value>,
): Promise<Contents<Value>> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await directory.read(options.name, options.maxBytes ?? DEFAULT_MAX_BYTES);
  } catch (error) {
    if (error instanceof StateError && error.code === "state-file-too-large") {
      return { kind: "corrupt", reason: error.message };
    }
    throw error;
  }
  if (bytes === undefined) return { kind: "absent" };
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch {
    return { kind: "corrupt", reason: "it is not JSON" };
  }
  if (!fitsChecksum(text)) return { kind: "corrupt", reason: "it is not what was written" };
  const version = v.safeParse(versioned, parsed);
  if (version.success && version.output.version > options.version) {
    throw newerFile(directory.path, options, version.output.version);
  }
  const checked = v.safeParse(options.schema, parsed);
  if (checked.success) return { kind: "valid", value: checked.output, text };
  const [issue] = checked.issues;
  const where = v.getDotPath(issue) ?? "the document";
  return { kind: "corrupt", reason: `${where}: expected ${issue.expected ?? "something else"}` };
}
