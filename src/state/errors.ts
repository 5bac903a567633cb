/**
 * What can go wrong with files in the data directory.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "data-directory-locked": {
    retry: "later",
    advice:
      "Another chive process uses this data directory: stop it, or give this one a directory of its own with --data-dir.",
  },
  "data-directory-not-private": {
    retry: "never",
    advice:
      "Make the user who runs chive the owner of the data directory, with mode 0700, or choose another one with --data-dir.",
  },
  // Its message says what to do: that depends on how this program was made.
  "data-directory-not-permitted": { retry: "never" },
  "data-directory-unusable": {
    retry: "never",
    advice: "Choose a folder that this user can create and write to, with --data-dir.",
  },
  "data-directory-read-only": {
    retry: "never",
    advice:
      "Let the user who runs chive write to the data directory, or choose another one with --data-dir.",
  },
  "data-directory-closed": { retry: "never" },
  "state-file-name-invalid": { retry: "never" },
  "state-file-too-large": {
    retry: "never",
    advice: "The file was not written by chive: move it out of the data directory.",
  },
  "state-file-unreadable": {
    retry: "later",
    advice: "Check the owner and the permissions of the files in the data directory.",
  },
  "state-file-unwritable": {
    retry: "later",
    advice: "Check that the disk of the data directory is not full and not read-only.",
  },
  "state-file-newer": {
    retry: "never",
    advice:
      "Use the chive that has written it, or a later one, or choose another data directory with --data-dir; there it begins with new guards.",
  },
} as const satisfies ErrorTable;

/** The codes of {@link StateError}. */
export type StateErrorCode = keyof typeof FACTS;

/** A failure of the data directory or of a file in it. */
export class StateError extends TorError<StateErrorCode> {
  constructor(code: StateErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
