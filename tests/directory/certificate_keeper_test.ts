/** Authority certificates: that they are fetched when needed, and renewed in time. */
import assert from "node:assert/strict";
import { CertificateStore } from "../../src/directory/certificate_store.ts";
import {
  encode,
  HOUR,
  ok,
  type Reply,
  RunningDirectory,
  type SeenRequest,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

const DAY = 24 * HOUR;
const network = new TestNetwork();
const consensus = network.consensus();
const [first, ...others] = network.authorities;

/** Certificates of which the first authority's expires at a time of its own. */
function certificates(expires: number, published = VALID_AFTER - 30 * DAY): string {
  return first.certificate({ expires, published }) +
    others.map((authority) => authority.certificate()).join("");
}

/** Serves all but the certificates, which are these. */
function serving(documents: () => string): (request: SeenRequest) => Reply {
  return ({ path }) =>
    ok(
      path.startsWith("/tor/keys/")
        ? encode(documents())
        : network.serve(path, consensus) ?? new Uint8Array(0),
    );
}

const newestOf = (v3Identity: string) => `/tor/keys/fp/${v3Identity}`;

Deno.test("a certificate is renewed a week before it expires, once", async () => {
  const renewed = VALID_AFTER + 300 * DAY;
  let current = certificates(VALID_AFTER + 8 * DAY);
  await using run = await RunningDirectory.start({ network, handler: serving(() => current) });
  await run.untilComplete();
  assert.equal(run.askedFor("keys").length, 1);
  run.clock.advance(HOUR);
  current = certificates(renewed, VALID_AFTER);
  await run.pass(60_000, 1000);
  assert.equal(run.askedFor("keys").length, 1);
  run.clock.advance(DAY);
  await run.until(() => run.askedFor("keys").length === 2);
  assert.equal(
    run.transport.requests.findLast(({ path }) => path.startsWith("/tor/keys/"))?.path,
    newestOf(first.v3Identity),
  );
  await run.until(() => run.transport.openStreams === 0);
  await run.pass(3 * HOUR, 60_000);
  assert.equal(run.askedFor("keys").length, 2);
  await run.directory.close();
  const store = new CertificateStore([first.v3Identity]);
  await store.add(await run.file("cached-certs") ?? new Uint8Array(0));
  assert.ok(store.certificates.some(({ expires }) => expires === renewed));
});

Deno.test("one that nobody has renewed is asked for less and less often", async () => {
  const current = certificates(VALID_AFTER + DAY);
  await using run = await RunningDirectory.start({ network, handler: serving(() => current) });
  await run.untilComplete();
  await run.pass(2 * HOUR, 10_000);
  const asked = run.askedFor("keys").length;
  assert.ok(asked >= 3 && asked < 40, `${asked}`);
});

Deno.test("a consensus that is verified without it has its signers' certificates fetched", async () => {
  const files = {
    "cached-microdesc-consensus": consensus,
    "cached-certs": others.map((authority) => authority.certificate()).join(""),
  };
  const all = network.certificates();
  await using run = await RunningDirectory.start({ network, files, handler: serving(() => all) });
  await run.until(() => run.askedFor("keys").length === 1);
  assert.ok(run.directory.netDir !== undefined, "it was believed before");
});
