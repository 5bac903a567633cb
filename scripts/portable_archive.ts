/**
 * Archives of the same bytes for the same contents: .tar.gz, and .zip for Windows.
 *
 * @module
 */
import { type Zippable, zipSync } from "fflate";
import { packTar } from "modern-tar";
import { gzipSync } from "node:zlib";

/** A file of an archive. */
export interface ArchiveFile {
  /** With the archive's own folder before it. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it can be started. */
  readonly executable: boolean;
}

/** The earliest time that a zip file can tell. */
const EARLIEST_ZIP_TIME = Date.UTC(1980, 0, 2);
const REGULAR_FILE = 0o100000;
/** "version made by": Unix, so that readers heed the modes. */
const UNIX = 3;

/**
 * @param time what all files are dated with
 * @returns the bytes of a .tar.gz; all files belong to root
 */
export async function tarArchive(files: readonly ArchiveFile[], time: Date): Promise<Uint8Array> {
  const tar = await packTar(
    files.toSorted(byPath).map(({ path, bytes, executable }) => ({
      header: {
        name: path,
        size: bytes.length,
        mode: modeOf(executable),
        mtime: time,
        uid: 0,
        gid: 0,
        uname: "root",
        gname: "root",
        type: "file",
      },
      body: bytes,
    })),
  );
  return gzipSync(tar, { level: 9 });
}

/**
 * @param time what all files are dated with, in UTC
 * @returns the bytes of a .zip
 */
export function zipArchive(files: readonly ArchiveFile[], time: Date): Uint8Array {
  // Zip has local times, which are made of the parts of a date in this machine's time zone.
  const at = Math.max(time.getTime(), EARLIEST_ZIP_TIME);
  const mtime = new Date(at + new Date(at).getTimezoneOffset() * 60_000);
  const zippable: Zippable = {};
  for (const { path, bytes, executable } of files.toSorted(byPath)) {
    const attrs = ((REGULAR_FILE | modeOf(executable)) << 16) >>> 0;
    zippable[path] = [bytes, { mtime, os: UNIX, attrs, level: 9 }];
  }
  return zipSync(zippable);
}

function modeOf(executable: boolean): number {
  return executable ? 0o755 : 0o644;
}

function byPath(one: ArchiveFile, other: ArchiveFile): number {
  return one.path < other.path ? -1 : 1;
}
