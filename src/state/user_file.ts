/**
 * Files that the user names, outside of the data directory.
 *
 * @module
 */
import { StateError } from "./errors.ts";

/**
 * Reads a whole text file.
 *
 * @param maxBytes a longer file is refused
 * @throws StateError `state-file-too-large`; else what the system says, such as
 * Deno.errors.NotFound, or Deno.errors.NotCapable when the permission is missing
 */
export async function readUserFile(path: string, maxBytes: number): Promise<string> {
  const { size } = await Deno.stat(path);
  if (size > maxBytes) {
    throw new StateError(
      "state-file-too-large",
      `the file has ${size} bytes, the most is ${maxBytes}`,
    );
  }
  return await Deno.readTextFile(path);
}
