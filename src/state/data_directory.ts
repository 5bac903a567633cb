/**
 * The data directory: one folder that belongs to one running client, and whole files in it that a
 * crash leaves either old or new.
 *
 * @module
 */
import { dataDirectoryAdvice } from "../runtime/permission_flags.ts";
import { DATA_FILES, DIRECTORY_FORMAT, refuseNewerFiles } from "./data_files.ts";
import { diskTrouble, DiskWatch } from "./disk_trouble.ts";
import { StateError } from "./errors.ts";

const LOCK_NAME = DATA_FILES.directory.name;
const TEMPORARY_SUFFIX = ".tmp";
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/**
 * A locked folder with mode 0700 whose files have mode 0600. File names are plain: 1 to 100 of
 * the characters `A-Z a-z 0-9 . _ -`, the first neither a dot nor a dash.
 *
 * Needs read and write permission for the folder alone.
 */
export class DataDirectory implements Disposable {
  /** The folder, as it was given to {@link DataDirectory.open}. */
  readonly path: string;
  readonly #lock: Deno.FsFile;
  readonly #disk = new DiskWatch();
  /** The last change of each file that is under way, so that changes of one file take turns. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #closed = false;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates the folder where it is missing, takes away what others may do there, locks it against
   * other processes, and removes what a crash left half written. One that a newer chive has written
   * is left as it is, to the last byte and mode.
   *
   * @throws StateError `data-directory-locked` when another process holds it,
   * `data-directory-not-permitted` when Deno was told to refuse it,
   * `data-directory-not-private` when it belongs to another user or its mode cannot be changed,
   * `data-directory-read-only` when nothing may be written there, `data-directory-unusable` when it
   * is no folder or cannot be created, `state-file-newer` when a newer chive has written it
   */
  static async open(path: string): Promise<DataDirectory> {
    requirePermission(path);
    await refuseNewerFiles(path);
    await createPrivateFolder(path);
    const lock = await takeLock(path);
    try {
      // A newer one may have held the lock until now.
      await refuseNewerFiles(path);
      await removeTemporaryFiles(path);
      await refuseForeignOwner(path);
      await noteFormat(lock);
      return new DataDirectory(path, lock);
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /**
   * All bytes of a file, or `undefined` when there is none.
   *
   * @throws StateError `state-file-too-large` beyond `maxBytes`, `state-file-unreadable`
   */
  async read(name: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = this.#pathOf(name);
    try {
      using file = await Deno.open(path);
      return await readBounded(file, name, maxBytes);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw wrapped(error, "state-file-unreadable", `cannot read ${name}`);
    }
  }

  /**
   * Replaces a file, or creates it: after a crash at any moment the file has either all of its old
   * or all of its new bytes. Writes of one name take turns, the last one called wins. `contents` is
   * all bytes, or parts that are written one after another, each before the next is asked for; the
   * bytes must be left alone until this resolves or the next part is asked for.
   *
   * @throws StateError `state-file-unwritable`; the old file is then still there
   */
  write(name: string, contents: Uint8Array | Iterable<Uint8Array>): Promise<void> {
    const parts = contents instanceof Uint8Array ? [contents] : contents;
    return this.#change(name, `cannot write ${name}`, async (path) => {
      const temporary = path + TEMPORARY_SUFFIX;
      const progress = { length: 0 };
      try {
        await writeNewFile(temporary, parts, progress);
        await Deno.rename(temporary, path);
        await syncFolder(this.path);
      } catch (error) {
        this.#disk.noteFailure(error, progress.length);
        // The reason of the failure matters more than whether the rest could be removed.
        await Deno.remove(temporary).catch(() => undefined);
        throw error;
      }
      this.#disk.noteSuccess(progress.length);
    });
  }

  /**
   * Adds bytes at the end of a file, creating it where it is missing. Nothing is synced to disk: a
   * crash may lose or cut what was appended last, so the reader must be able to tell.
   *
   * @throws StateError `state-file-unwritable`; what was added of it is taken away again
   */
  append(name: string, bytes: Uint8Array): Promise<void> {
    return this.#change(name, `cannot append to ${name}`, async (path) => {
      using file = await Deno.open(path, { append: true, create: true, mode: OWNER_ONLY_FILE });
      const { size } = await file.stat();
      try {
        await writeAll(file, bytes);
      } catch (error) {
        this.#disk.noteFailure(error, bytes.length);
        await file.truncate(size).catch(() => undefined);
        throw error;
      }
      this.#disk.noteSuccess(bytes.length);
    });
  }

  /**
   * Takes the end of a file away: what is left are its first `length` bytes.
   *
   * @throws StateError `state-file-unwritable`
   */
  truncate(name: string, length: number): Promise<void> {
    return this.#change(name, `cannot shorten ${name}`, (path) => Deno.truncate(path, length));
  }

  /**
   * Removes a file; one that is not there is fine.
   *
   * @throws StateError `state-file-unwritable`
   */
  remove(name: string): Promise<void> {
    return this.#change(name, `cannot remove ${name}`, async (path) => {
      try {
        await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await syncFolder(this.path);
    });
  }

  /**
   * Renames a file that makes no sense, so that it is out of the way and nothing is lost.
   *
   * @param now the time for the new name, in milliseconds since 1970
   * @returns the new name: `NAME.corrupt-2026-11-23T191500Z`, with `-2` and so on when it is taken
   * @throws StateError `state-file-unwritable`
   */
  setAside(name: string, now: number): Promise<string> {
    return this.#change(name, `cannot set ${name} aside`, async (path) => {
      const time = new Date(now).toISOString().replaceAll(":", "").replace(/\.\d+/, "");
      const suffix = await freeSuffix(`${path}.corrupt-${time}`);
      await Deno.rename(path, `${path}.corrupt-${time}${suffix}`);
      await syncFolder(this.path);
      return `${name}.corrupt-${time}${suffix}`;
    });
  }

  /**
   * Gives the folder free for other processes. What is being written must have been awaited
   * before. Disposing twice does nothing.
   */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lock.close();
  }

  /** Runs one change of a file after those of the same name that were called before. */
  async #change<Result>(
    name: string,
    failure: string,
    change: (path: string) => Promise<Result>,
  ): Promise<Result> {
    const path = this.#pathOf(name);
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(() => {
      this.#refuseWhenClosed();
      return change(path);
    });
    const settled = turn.then(() => undefined, () => undefined);
    this.#turns.set(name, settled);
    try {
      return await turn;
    } catch (error) {
      throw wrapped(error, "state-file-unwritable", failure);
    } finally {
      if (this.#turns.get(name) === settled) this.#turns.delete(name);
    }
  }

  #pathOf(name: string): string {
    this.#refuseWhenClosed();
    const plain = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name);
    if (!plain || name === LOCK_NAME || name.endsWith(TEMPORARY_SUFFIX)) {
      throw new StateError("state-file-name-invalid", `${JSON.stringify(name)} is no file name`);
    }
    return `${this.path}/${name}`;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) {
      throw new StateError("data-directory-closed", "the data directory is closed");
    }
  }
}

/** A StateError as it is, everything else as the cause of a new one. */
function wrapped(
  error: unknown,
  code: "state-file-unreadable" | "state-file-unwritable" | "data-directory-unusable",
  what: string,
): StateError {
  if (error instanceof StateError) return error;
  const reason = diskTrouble(error) ?? (error instanceof Error ? error.name : String(error));
  return new StateError(code, `${what}: ${reason}`, { cause: error });
}

/** As {@link wrapped}; what may be read and not written has a code of its own. */
function notOpened(error: unknown, what: string): StateError {
  const isReadOnly = error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && "code" in error && error.code === "EROFS");
  if (!isReadOnly) return wrapped(error, "data-directory-unusable", what);
  const reason = diskTrouble(error) ?? "this user may not write there";
  return new StateError("data-directory-read-only", `${what}: ${reason}`, { cause: error });
}

/** Before anything is tried, as one flag alone would only lead to the next refusal. */
function requirePermission(path: string): void {
  const isGranted = (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path }).state === "granted"
  );
  if (isGranted) return;
  throw new StateError(
    "data-directory-not-permitted",
    `chive was started without permission for the data directory ${path}; ` +
      dataDirectoryAdvice(path),
  );
}

async function createPrivateFolder(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    await Deno.mkdir(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    info = await Deno.lstat(path);
  } catch (error) {
    throw notOpened(error, `cannot create the data directory ${path}`);
  }
  // Like C tor, which does not follow a link here.
  if (!info.isDirectory) {
    throw new StateError("data-directory-unusable", `the data directory ${path} is not a folder`);
  }
  if (info.mode === null || (info.mode & 0o777) === OWNER_ONLY_DIRECTORY) return;
  try {
    await Deno.chmod(path, OWNER_ONLY_DIRECTORY);
  } catch (error) {
    if (diskTrouble(error) !== undefined) {
      throw notOpened(error, `cannot write to the data directory ${path}`);
    }
    throw new StateError(
      "data-directory-not-private",
      `cannot set the mode of the data directory ${path} to 0700`,
      { cause: error },
    );
  }
}

async function takeLock(path: string): Promise<Deno.FsFile> {
  let lock: Deno.FsFile;
  try {
    lock = await Deno.open(`${path}/${LOCK_NAME}`, {
      read: true,
      write: true,
      create: true,
      mode: OWNER_ONLY_FILE,
    });
  } catch (error) {
    throw notOpened(error, `cannot write to the data directory ${path}`);
  }
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new StateError(
    "data-directory-locked",
    `another process holds the lock of the data directory ${path}`,
  );
}

/**
 * Says in the lock file which format the directory has. Where that fails, as on a full disk, the
 * files themselves still say theirs, and the next start tries again.
 */
async function noteFormat(lock: Deno.FsFile): Promise<void> {
  const format = new TextEncoder().encode(DIRECTORY_FORMAT);
  try {
    const found = new Uint8Array(format.length + 1);
    const length = await lock.read(found) ?? 0;
    const said = new TextDecoder().decode(found.subarray(0, length));
    if (said === DIRECTORY_FORMAT) return;
    await lock.truncate(0);
    await lock.seek(0, Deno.SeekMode.Start);
    await writeAll(lock, format);
  } catch (error) {
    if (diskTrouble(error) === undefined) throw notOpened(error, "cannot write to the lock file");
  }
}

/**
 * Compares the folder's owner with that of a file made now: asking the system for this process's
 * user would need one more permission.
 */
async function refuseForeignOwner(path: string): Promise<void> {
  const probe = `${path}/owner${TEMPORARY_SUFFIX}`;
  let ours: number | null;
  let theirs: number | null;
  try {
    await Deno.writeFile(probe, new Uint8Array(), { createNew: true, mode: OWNER_ONLY_FILE });
    ours = (await Deno.stat(probe)).uid;
    theirs = (await Deno.stat(path)).uid;
    await Deno.remove(probe);
  } catch (error) {
    throw notOpened(error, `cannot write to the data directory ${path}`);
  }
  if (ours !== theirs) {
    throw new StateError(
      "data-directory-not-private",
      `the data directory ${path} belongs to another user`,
    );
  }
}

async function removeTemporaryFiles(path: string): Promise<void> {
  try {
    for await (const entry of Deno.readDir(path)) {
      if (entry.isFile && entry.name.endsWith(TEMPORARY_SUFFIX)) {
        await Deno.remove(`${path}/${entry.name}`);
      }
    }
  } catch (error) {
    throw notOpened(error, `cannot clean the data directory ${path}`);
  }
}

async function readBounded(
  file: Deno.FsFile,
  name: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await file.stat();
  if (size > maxBytes) {
    throw new StateError(
      "state-file-too-large",
      `${name} has ${size} bytes, more than the ${maxBytes} allowed`,
    );
  }
  // No more than `size` is read, so a file that grows meanwhile stays within the bound.
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** @param progress the count of bytes that were to be written so far */
async function writeNewFile(
  path: string,
  parts: Iterable<Uint8Array>,
  progress: { length: number },
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: OWNER_ONLY_FILE });
  for (const part of parts) {
    progress.length += part.length;
    await writeAll(file, part);
  }
  await file.sync();
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** Makes a rename or a removal last: it is the folder that remembers names. */
async function syncFolder(path: string): Promise<void> {
  // Windows has no way to open a folder for this, and writes names through by itself.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

async function freeSuffix(path: string): Promise<string> {
  for (let number = 1;; number++) {
    const suffix = number === 1 ? "" : `-${number}`;
    try {
      await Deno.lstat(path + suffix);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return suffix;
      throw error;
    }
  }
}
