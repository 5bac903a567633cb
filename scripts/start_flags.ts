/**
 * How chive is started: the flags of Deno, made from the one place where they are written. That is
 * deno.json: the task `start` has the flags, and `permissions.default` has the permissions. Whatever
 * starts chive otherwise (executables, launchers of portable archives, tests, benchmarks) takes them
 * from here.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** A set of permissions as deno.json has it, as far as chive uses its forms. */
export type PermissionSet = Readonly<Record<string, Permission>>;

/** Everything of a kind, only what is listed, or nothing at all without ever asking. */
type Permission = true | readonly string[] | { readonly deny: true };

/** What is granted beyond the set: paths, names of variables or of system facts. */
export interface Grants {
  /** Takes the place of `./chive-data`. */
  readonly dataDirectory?: string;
  /** Takes the place of `./torrc`; none can be read where it is null. */
  readonly torrc?: string | null;
  /** Files and folders that may be read too. */
  readonly read?: readonly string[];
  /** Files and folders that may be written too. */
  readonly write?: readonly string[];
  /** Variables of the environment that may be read too. */
  readonly env?: readonly string[];
  /** Whether facts about the system may be asked for; `fetch --cacert` needs it. */
  readonly sys?: boolean;
}

/** The folder and the file that the set names. */
const DATA_DIRECTORY = "./chive-data";
const TORRC = "./torrc";

/** What `deno task start` gives to `deno run`, but for permissions: those depend on the folders. */
export const START_FLAGS: readonly string[] = flagsOf(project.tasks.start.command);

/**
 * The permissions as flags. Paths are as given: relative ones are meant from the folder in which
 * the program is started, other than in deno.json, where they are meant from that file's.
 *
 * @param set for tests; deno.json's unless given
 * @throws TypeError for a path that has a comma, which separates paths
 */
export function permissionFlags(
  grants: Grants = {},
  set: PermissionSet = permissionSet(project.permissions.default),
): string[] {
  const granted: PermissionSet = grants.sys === true ? { ...set, sys: true } : set;
  return Object.entries(granted).map(([kind, permission]) => {
    if (permission === true) return `--allow-${kind}`;
    if (!isList(permission)) return `--deny-${kind}`;
    const scope = [...permission.flatMap((name) => replaced(name, grants)), ...more(kind, grants)];
    const bad = scope.find((name) => name === "" || name.includes(","));
    if (bad !== undefined) throw new TypeError(`Deno's flags cannot name '${bad}'`);
    // Without a list the flag would permit everything.
    return scope.length === 0 ? `--deny-${kind}` : `--allow-${kind}=${scope.join(",")}`;
  });
}

/** All flags with which `deno run` starts chive. */
export function startFlags(grants: Grants = {}): string[] {
  return [...START_FLAGS, ...permissionFlags(grants)];
}

/**
 * Makes sure that a set has only forms that are understood here.
 *
 * @throws TypeError where it has others
 */
export function permissionSet(set: Readonly<Record<string, unknown>>): PermissionSet {
  return Object.fromEntries(
    Object.entries(set).map(([kind, value]) => [kind, permissionOf(kind, value)]),
  );
}

function permissionOf(kind: string, value: unknown): Permission {
  if (value === true) return true;
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  if (typeof value === "object" && value !== null && "deny" in value && value.deny === true) {
    return { deny: true };
  }
  throw new TypeError(`the permission '${kind}' has a form that no flag was written for`);
}

function isList(permission: Permission): permission is readonly string[] {
  return Array.isArray(permission);
}

/** The set is given by name in the command, which only deno.json's folder can use. */
function flagsOf(command: string): string[] {
  return command.split(" ").filter((word) => word.startsWith("-") && word !== "--permission-set");
}

function replaced(name: string, { dataDirectory, torrc }: Grants): readonly string[] {
  if (name === DATA_DIRECTORY) return [dataDirectory ?? name];
  if (name === TORRC) return torrc === null ? [] : [torrc ?? name];
  return [name];
}

function more(kind: string, { read, write, env }: Grants): readonly string[] {
  return { read, write, env }[kind] ?? [];
}
