import assert from "node:assert/strict";
import { isBackgroundOfAnotherSite, isOurHost } from "../../src/monitor/host_check.ts";

const HOSTS = ["chive.internal"];

for (
  const host of [
    "localhost",
    "LocalHost:9052",
    "127.0.0.1:9052",
    "10.0.0.1",
    "[::1]:9052",
    "[2001:db8::1]",
    "Chive.internal:9052",
    "chive.internal.",
  ]
) {
  Deno.test(`Host ${host} is ours`, () => assert.ok(isOurHost(host, HOSTS)));
}

for (
  const host of [
    null,
    "",
    ":9052",
    "evil.example",
    "evil.example:9052",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "chive.internal.evil.example",
    "x.localhost",
    "2130706433",
    "127.1",
    "0x7f.0.0.1",
    "::1",
    "[::1",
    "[x]",
    "localhost:9052:1",
    "localhost:123456",
    "localhost, evil.example",
    "evil.example#localhost",
    "user@localhost",
    "loc\u0430lhost",
  ]
) {
  Deno.test(`Host ${host} is not`, () => assert.ok(!isOurHost(host, HOSTS)));
}

Deno.test("a page of another site may lead here, and not ask in the background", () => {
  const from = (site: string, mode: string) =>
    isBackgroundOfAnotherSite(new Headers({ "sec-fetch-site": site, "sec-fetch-mode": mode }));
  assert.deepEqual(
    [
      from("cross-site", "no-cors"),
      from("cross-site", "cors"),
      from("cross-site", "navigate"),
      from("same-origin", "cors"),
      isBackgroundOfAnotherSite(new Headers()),
    ],
    [true, true, false, false, false],
  );
});
