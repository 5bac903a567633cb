/**
 * What has changed in a version, as CHANGELOG.md has it, for the page of its release.
 *
 *     deno task release-notes v0.1.0
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** A release that is not ready; the message says what is missing. */
export class NotReady extends Error {}

/**
 * The section of a version.
 *
 * @param tag of the release, for example `v0.1.0`
 * @param version the one in deno.json
 * @param changes the text of CHANGELOG.md
 * @returns without its heading
 * @throws NotReady where tag and version differ, or where there is no section or nothing in it
 */
export function releaseNotes(tag: string, version: string, changes: string): string {
  if (tag !== `v${version}`) {
    throw new NotReady(`The tag ${tag} is not the version in deno.json, which is ${version}.`);
  }
  const sections = changes.split(/^(?=## )/m);
  const section = sections.find((each) => each.startsWith(`## [${version}]`));
  if (section === undefined) throw new NotReady(`CHANGELOG.md has no section ## [${version}].`);
  const notes = section.slice(section.indexOf("\n")).replace(LINKS, "").trim();
  if (notes === "") throw new NotReady(`The section of ${version} in CHANGELOG.md is empty.`);
  return `${notes}\n`;
}

/** The definitions of links at the end of the file, which belong to its headings. */
const LINKS = /^\[[^\]\n]+\]: \S+\n?/gm;

if (import.meta.main) {
  try {
    const changes = await Deno.readTextFile("CHANGELOG.md");
    console.log(releaseNotes(Deno.args[0] ?? "", project.version, changes));
  } catch (error) {
    if (!(error instanceof NotReady)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
