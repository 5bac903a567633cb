import assert from "node:assert/strict";
import {
  billOfMaterials,
  type Component,
  licenseTexts,
  readComponents,
} from "../../scripts/bill_of_materials.ts";

const INTEGRITY = `sha512-${btoa("\0".repeat(63) + "\xff")}`;
const COMPONENT: Component = {
  name: "@scope/name",
  version: "1.2.3",
  integrity: INTEGRITY,
  license: "MIT",
  licenseText: "Do as you like.\n",
};
const DESCRIBED = {
  version: "0.1.0",
  deno: "2.9.6",
  origin: { commit: "c0ffee", date: "2026-11-24T04:00:00Z" },
  components: [COMPONENT, { ...COMPONENT, name: "plain", license: undefined }],
};

Deno.test("the document names the program, Deno and each package with its digest and licence", () => {
  const document = JSON.parse(billOfMaterials(DESCRIBED));
  assert.equal(document.bomFormat, "CycloneDX");
  assert.equal(document.specVersion, "1.6");
  assert.match(
    document.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(document.metadata.timestamp, "2026-11-24T04:00:00Z");
  assert.equal(document.metadata.component.version, "0.1.0");
  assert.deepEqual(document.metadata.component.properties, [
    { name: "chive:commit", value: "c0ffee" },
  ]);
  const [deno, scoped, plain] = document.components;
  assert.deepEqual([deno.type, deno.name, deno.version], ["platform", "deno", "2.9.6"]);
  assert.deepEqual(scoped, {
    type: "library",
    "bom-ref": "pkg:npm/%40scope/name@1.2.3",
    name: "@scope/name",
    version: "1.2.3",
    purl: "pkg:npm/%40scope/name@1.2.3",
    hashes: [{ alg: "SHA-512", content: `${"00".repeat(63)}ff` }],
    licenses: [{ expression: "MIT" }],
  });
  assert.equal("licenses" in plain, false);
  assert.deepEqual(document.dependencies[0].dependsOn, [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40scope/name@1.2.3",
    "pkg:npm/plain@1.2.3",
  ]);
});

Deno.test("the same build has the same document, another one another number", () => {
  assert.equal(billOfMaterials(DESCRIBED), billOfMaterials(DESCRIBED));
  const number = (text: string) => JSON.parse(text).serialNumber;
  assert.notEqual(
    number(billOfMaterials(DESCRIBED)),
    number(billOfMaterials({ ...DESCRIBED, version: "0.1.1" })),
  );
});

Deno.test("a digest of another kind is refused rather than passed on", () => {
  const components = [{ ...COMPONENT, integrity: "sha1-AAAA" }];
  assert.throws(() => billOfMaterials({ ...DESCRIBED, components }), /SHA-512/);
});

Deno.test("the licences are passed on", () => {
  const text = licenseTexts(DESCRIBED.components);
  assert.match(text, /@scope\/name 1\.2\.3 \(MIT\)\n\nDo as you like\.\n/);
  assert.match(text, /plain 1\.2\.3 \(no licence named\)/);
});

Deno.test("packages are those of the modules and what they depend on, and each must be locked", async () => {
  const folder = await Deno.makeTempDir({ prefix: "chive-packages-" });
  try {
    await Deno.writeTextFile(`${folder}/package.json`, '{"license": "ISC"}');
    await Deno.writeTextFile(`${folder}/LICENSE.md`, "the text");
    const known = { version: "1.0.0", localPath: folder };
    const graph = {
      modules: [{ npmPackage: "used@1.0.0" }, {}],
      npmPackages: {
        "used@1.0.0": { ...known, name: "used", dependencies: ["below@1.0.0"] },
        "below@1.0.0": { ...known, name: "below", dependencies: ["used@1.0.0"] },
        "tool@1.0.0": { ...known, name: "tool", dependencies: [] },
      },
    };
    const entry = { integrity: INTEGRITY };
    const npm = { "used@1.0.0": entry, "below@1.0.0": entry, "tool@1.0.0": entry };
    const common = {
      version: "1.0.0",
      integrity: INTEGRITY,
      license: "ISC",
      licenseText: "the text",
    };
    assert.deepEqual(await readComponents(graph, { npm }), [
      { name: "below", ...common },
      { name: "used", ...common },
    ]);
    await assert.rejects(readComponents(graph, { npm: { "used@1.0.0": entry } }), /not locked/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
