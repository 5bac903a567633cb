/**
 * The files of deploy/, read.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import type { Config } from "../../src/config/config.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";

/** The folder, with a slash at its end. */
export const DEPLOY: string = fileURLToPath(new URL("../../deploy/", import.meta.url));

/** Where executables find what they may read and write: in their current folder. */
export const DATA_FOLDER = "chive-data";

/** Text of a file in deploy/. */
export function readText(path: string): string {
  return Deno.readTextFileSync(DEPLOY + path);
}

/** What a torrc in deploy/ says. */
export function readTorrc(path: string): Config {
  return buildConfig([parseTorrc(readText(path), path)]).config;
}

/** All documents of a YAML file in deploy/, which must have no error and no key twice. */
export function readYaml(path: string): readonly unknown[] {
  return parseAllDocuments(readText(path), { uniqueKeys: true, strict: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS();
  });
}

/**
 * What stands at a path of members and places in nested objects and arrays.
 *
 * @throws TypeError when there is nothing
 */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const [depth, step] of path.entries()) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) {
      throw new TypeError(`there is no ${path.slice(0, depth + 1).join(".")}`);
    }
    found = Object.entries(found).find(([key]) => key === String(step))?.[1];
  }
  return found;
}

/** The same, where there must be an array. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  if (!Array.isArray(found)) throw new TypeError(`${path.join(".")} is no list`);
  return found;
}

/** The one SocksPort of a torrc in deploy/. */
export function socksPortOf(path: string): { readonly hostname: string; readonly port: number } {
  const [place, ...more] = readTorrc(path).socksPorts.map((port) => port.place);
  if (place?.kind !== "tcp" || more.length > 0) throw new TypeError(`${path}: no one SocksPort`);
  return { hostname: place.hostname, port: place.port };
}

/** The one MetricsPort of a torrc in deploy/. */
export function metricsPortOf(path: string): { readonly hostname: string; readonly port: number } {
  const [address, ...more] = readTorrc(path).metrics.ports;
  if (address === undefined || more.length > 0) throw new TypeError(`${path}: no one MetricsPort`);
  return address;
}
