/**
 * The command line of `deno task compile`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type BUILD_TARGETS, isTargetName, type TargetName } from "./build_targets.ts";
import type { Grants } from "./start_flags.ts";

/** What is to be built. */
export interface BuildRequest {
  readonly targets: readonly TargetName[];
  /** An archive with Deno in it, instead of what `deno compile` makes. */
  readonly portable: boolean;
  /** For the archive: Deno for the target; the one that runs this unless given. */
  readonly deno?: string;
  /** The folder for what is built. */
  readonly output: string;
  /** What the program may do beyond deno.json's set. */
  readonly grants: Grants;
}

/** What `--help` prints. */
export const USAGE = `deno task compile [--target TARGET]... [--portable] [OPTIONS]

Builds chive for other machines, into ./build.

  --target TARGET      For which system; may be repeated. For this one unless given:
                         x86_64-unknown-linux-gnu   aarch64-unknown-linux-gnu
                         x86_64-apple-darwin        aarch64-apple-darwin
                         x86_64-pc-windows-msvc
  --data-dir DIR       The data directory: what may be read and written, and the default of
                       --data-dir. A relative one is meant from where chive is started.
                       Default: ./chive-data
  --portable           An archive with Deno, the program and a launcher instead of one executable.
                       It needs nothing from the network.
  --deno FILE          With --portable: Deno for the target. Needed for other targets than this one.
  --allow-read=PATH    Permissions beyond those of deno.json, for what chive is to use besides;
  --allow-write=PATH   may be repeated.
  --allow-env=NAME
  --allow-sys          For 'chive fetch --cacert'.
  --output DIR         Default: ./build

Environment: DENORT_BIN is the runtime to build upon, which Deno downloads otherwise.
SOURCE_DATE_EPOCH is the date to say, in seconds; that of the commit otherwise.
`;

/** An argument that makes no sense; the message says which. */
export class BadRequest extends Error {}

/**
 * Reads the arguments.
 *
 * @param host the target that this machine is
 * @returns undefined when help is asked for
 * @throws BadRequest
 */
export function readBuildRequest(
  args: readonly string[],
  host: keyof typeof BUILD_TARGETS,
): BuildRequest | undefined {
  const { values } = parsed(args);
  if (values.help === true) return undefined;
  const targets = (values.target ?? [host]).map((name) => {
    if (!isTargetName(name)) throw new BadRequest(`There is no target '${name}'.`);
    return name;
  });
  const portable = values.portable === true;
  if (values.deno !== undefined && (!portable || targets.length !== 1)) {
    throw new BadRequest("--deno goes with --portable and one --target.");
  }
  if (portable && values.deno === undefined && targets.some((name) => name !== host)) {
    throw new BadRequest(
      `For another system than this one (${host}), name a Deno for it with --deno.`,
    );
  }
  return {
    targets: [...new Set(targets)],
    portable,
    ...(values.deno === undefined ? {} : { deno: values.deno }),
    output: values.output ?? "build",
    grants: {
      ...(values["data-dir"] === undefined ? {} : { dataDirectory: values["data-dir"] }),
      read: values["allow-read"] ?? [],
      write: values["allow-write"] ?? [],
      env: values["allow-env"] ?? [],
      sys: values["allow-sys"] === true,
    },
  };
}

function parsed(args: readonly string[]) {
  const repeated = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        target: repeated,
        portable: { type: "boolean" },
        deno: { type: "string" },
        output: { type: "string", short: "o" },
        "data-dir": { type: "string" },
        "allow-read": repeated,
        "allow-write": repeated,
        "allow-env": repeated,
        "allow-sys": { type: "boolean" },
      },
    });
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : String(error));
  }
}
