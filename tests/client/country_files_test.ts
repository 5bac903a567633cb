import assert from "node:assert/strict";
import { readCountryFiles } from "../../src/client/country_files.ts";

Deno.test("country files: none were given", async () => {
  assert.equal(await readCountryFiles({ geoIpFile: undefined, geoIpv6File: undefined }), undefined);
});

Deno.test("country files: both are read", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/geoip`, "# comment\n16777216,16777471,AU\n");
    await Deno.writeTextFile(`${directory}/geoip6`, "2001:db8::,2001:db8:ffff::,DE\n");
    const files = { geoIpFile: `${directory}/geoip`, geoIpv6File: `${directory}/geoip6` };
    const geoIp = await readCountryFiles(files);
    assert.equal(geoIp?.countryOf("1.0.0.7"), "au");
    assert.equal(geoIp?.countryOf("2001:db8:7::1"), "de");
    assert.equal(geoIp?.countryOf("1.0.1.0"), undefined);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("country files: one that is not there is an error that names it", async () => {
  await assert.rejects(
    readCountryFiles({ geoIpFile: "./no-such-file", geoIpv6File: undefined }),
    { code: "config-country-file-unreadable", message: /no-such-file/ },
  );
});
