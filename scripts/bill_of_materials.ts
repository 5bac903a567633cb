/**
 * What a build is made of, as a CycloneDX document (ECMA-424, version 1.6): the packages in the
 * program with the digests of deno.lock, and Deno.
 *
 * @module
 */
import * as v from "valibot";
import { createHash } from "node:crypto";
import type { BuildOrigin } from "./build_origin.ts";

/** A package that is in the program. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** The digest of its archive in the registry, as deno.lock has it: `sha512-` and base64. */
  readonly integrity: string;
  /** An SPDX expression; undefined where the package names none. */
  readonly license: string | undefined;
  /** The text of its licence; undefined where it has no such file. */
  readonly licenseText: string | undefined;
}

const GRAPH = v.object({
  modules: v.array(v.object({ npmPackage: v.optional(v.string()) })),
  npmPackages: v.record(
    v.string(),
    v.object({
      name: v.string(),
      version: v.string(),
      dependencies: v.array(v.string()),
      localPath: v.string(),
    }),
  ),
});

const LOCK = v.object({ npm: v.record(v.string(), v.object({ integrity: v.string() })) });

const MANIFEST = v.object({ license: v.optional(v.string()) });

/** Names that files of licences have, in the order in which they count. */
const LICENSE_FILE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;

/**
 * The packages that the program's modules come from, and what those depend on, by name.
 *
 * @param graph what `deno info --json` printed
 * @param lock deno.lock
 * @throws Error for a package that deno.lock does not have
 */
export async function readComponents(graph: unknown, lock: unknown): Promise<Component[]> {
  const { modules, npmPackages } = v.parse(GRAPH, graph);
  const { npm } = v.parse(LOCK, lock);
  const found = new Set<string>();
  const add = (id: string) => {
    if (found.has(id)) return;
    found.add(id);
    npmPackages[id]?.dependencies.forEach(add);
  };
  for (const { npmPackage } of modules) if (npmPackage !== undefined) add(npmPackage);
  return await Promise.all(
    [...found].toSorted().map(async (id) => {
      const known = npmPackages[id];
      const integrity = npm[id]?.integrity;
      if (known === undefined || integrity === undefined) throw new Error(`${id} is not locked`);
      const manifest = JSON.parse(await Deno.readTextFile(`${known.localPath}/package.json`));
      const { license } = v.parse(MANIFEST, manifest);
      const licenseText = await readLicense(known.localPath);
      return { name: known.name, version: known.version, integrity, license, licenseText };
    }),
  );
}

async function readLicense(folder: string): Promise<string | undefined> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && LICENSE_FILE.test(name)) return await Deno.readTextFile(`${folder}/${name}`);
  }
  return undefined;
}

/** What the document is about. */
export interface Described {
  readonly version: string;
  /** The version of Deno. */
  readonly deno: string;
  readonly origin: BuildOrigin;
  readonly components: readonly Component[];
}

/** The document, as JSON; the same for the same arguments. */
export function billOfMaterials({ version, deno, origin, components }: Described): string {
  const chive = `pkg:generic/chive@${version}`;
  const packages = components.map((component) => ({
    type: "library",
    "bom-ref": packageUrl(component),
    name: component.name,
    version: component.version,
    purl: packageUrl(component),
    hashes: [{ alg: "SHA-512", content: digest(component.integrity) }],
    ...(component.license === undefined ? {} : { licenses: [{ expression: component.license }] }),
  }));
  const runtime = {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${deno}`,
    name: "deno",
    version: deno,
    purl: `pkg:github/denoland/deno@v${deno}`,
    licenses: [{ expression: "MIT" }],
  };
  const content = {
    metadata: {
      ...(origin.date === undefined ? {} : { timestamp: origin.date }),
      component: {
        type: "application",
        "bom-ref": chive,
        name: "chive",
        version,
        purl: chive,
        licenses: [{ expression: "MIT" }],
        ...(origin.commit === undefined
          ? {}
          : { properties: [{ name: "chive:commit", value: origin.commit }] }),
      },
    },
    components: [runtime, ...packages],
    dependencies: [{ ref: chive, dependsOn: [runtime, ...packages].map((each) => each.purl) }],
  };
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** The licences of the packages, one after another, as they ask to be passed on. */
export function licenseTexts(components: readonly Component[]): string {
  const parts = components.map(({ name, version, license, licenseText }) =>
    `${name} ${version} (${license ?? "no licence named"})\n\n${
      licenseText?.trim() ?? "The package has no text of its licence."
    }\n`
  );
  return [
    "chive contains these packages. Deno, which runs it, is under the MIT licence, too:\n" +
    "https://github.com/denoland/deno/blob/main/LICENSE.md\n",
    ...parts,
  ].join(`\n${"-".repeat(78)}\n\n`);
}

function packageUrl({ name, version }: Component): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** @throws Error for another form than SHA-512 in base64 */
function digest(integrity: string): string {
  const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`'${integrity}' is no SHA-512 digest`);
  return Uint8Array.fromBase64(base64).toHex();
}

/** A UUID of version 8 (RFC 9562), made of the content and not of chance. */
function uuidOf(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
