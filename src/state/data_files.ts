/**
 * Every file of the data directory, with the version of its format that this program writes and the
 * highest that it reads.
 *
 * | file                         | version | how it is written                                   |
 * | ---------------------------- | ------- | --------------------------------------------------- |
 * | `lock`                       | 1       | `{"version": 1, ...`: of the directory as a whole   |
 * | `guard_state.json`           | 1       | `{"version": 1, ...`                                |
 * | `circuit_build_times.json`   | 1       | `{"version": 1, ...`                                |
 * | `dormant_state.json`         | 1       | `{"version": 1, ...`                                |
 * | `cached-microdesc-consensus` | 3       | `network-status-version 3 microdesc` (C tor's file) |
 * | `cached-certs`               | 3       | `dir-key-certificate-version 3` (C tor's file)      |
 * | `cached-microdescs`, `.new`  | none    | C tor's files: that of the directory counts         |
 *
 * A program that finds a higher version than it reads must not touch the directory: what it would
 * write or set aside may be all that the newer one knows. So, for as long as there are older
 * programs:
 *
 * - a version stands where it stands now, at the very beginning of its file;
 * - a file whose meaning changes raises its own version and that of the directory, and so does a
 *   file that is added or given up if an older program would go wrong without knowing it;
 * - every version that was released is read for ever (see tests/upgrades).
 *
 * @module
 */
import { StateError } from "./errors.ts";

/** What is known of a file. */
export interface DataFile {
  /** Its name in the data directory. */
  readonly name: string;
  /** Of its format: what is written, and the highest that is read. */
  readonly version: number;
}

/** All files whose formats have versions. */
export const DATA_FILES = {
  directory: { name: "lock", version: 1 },
  guardState: { name: "guard_state.json", version: 1 },
  circuitBuildTimes: { name: "circuit_build_times.json", version: 1 },
  dormantState: { name: "dormant_state.json", version: 1 },
  consensus: { name: "cached-microdesc-consensus", version: 3 },
  certificates: { name: "cached-certs", version: 3 },
} as const satisfies Readonly<Record<string, DataFile>>;

/** The first chive that reads the directory's version: what older ones tell people to take. */
const READABLE_BY = "0.1.0";

/** What the lock file says, with a newline at its end. */
export const DIRECTORY_FORMAT: string =
  JSON.stringify({ version: DATA_FILES.directory.version, readable_by: READABLE_BY }) + "\n";

/** Where versions stand: in JSON, and in the first line of the consensus and of a certificate. */
const WRITTEN_VERSION =
  /^(?:\s*\{\s*"version"\s*:\s*|network-status-version |dir-key-certificate-version )(\d{1,9})(?!\d)/;
const READABLE_BY_MEMBER = /"readable_by"\s*:\s*"(\d{1,5}\.\d{1,5}\.\d{1,5})"/;

/** So much of a file is looked at, in bytes. */
const HEAD_LENGTH = 256;

/**
 * Refuses a data directory in which any file is of a later version than this program reads. It only
 * reads; what is not there, or cannot be read or understood, is nothing to it.
 *
 * @param path the data directory
 * @throws StateError `state-file-newer`
 */
export async function refuseNewerFiles(path: string): Promise<void> {
  for (const file of Object.values(DATA_FILES)) {
    const head = await readHead(`${path}/${file.name}`);
    const version = Number(WRITTEN_VERSION.exec(head)?.[1] ?? 0);
    if (version > file.version) {
      throw newerFile(path, file, version, READABLE_BY_MEMBER.exec(head)?.[1]);
    }
  }
}

/**
 * The error about a file of a later version.
 *
 * @param readableBy the first chive that reads it, where that is known
 */
export function newerFile(
  path: string,
  { name, version: known }: DataFile,
  version: number,
  readableBy?: string,
): StateError {
  const needed = readableBy === undefined ? "" : `, for which chive ${readableBy} is needed`;
  return new StateError(
    "state-file-newer",
    `the data directory ${path} was written by a newer chive: ${name} has format version ` +
      `${version}${needed}, and this one reads up to ${known}; it was left as it is`,
  );
}

/** The beginning of a file; empty when it cannot be read, which is for who opens it to tell. */
async function readHead(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(HEAD_LENGTH);
    const length = await file.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, length));
  } catch {
    return "";
  }
}
