import assert from "node:assert/strict";
import { LOOPBACK_ONLY } from "../../src/config/access_policy.ts";
import { answer } from "../../src/monitor/answers.ts";
import { statusReport } from "../../src/monitor/status_report.ts";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { FakeClient, statusSources } from "./fake_client.ts";

const US = "http://127.0.0.1:9052";
const OPTIONS = { policy: LOOPBACK_ONLY, hosts: ["chive"] };

interface Asked {
  readonly method?: string;
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function ask(
  path: string,
  asked: Asked = {},
  client = FakeClient.started(),
): Promise<Response> {
  const { method = "GET", from = "127.0.0.1", headers = { host: "127.0.0.1:9052" } } = asked;
  return answer(new Request(US + path, { method, headers }), from, {
    options: OPTIONS,
    watched: {
      metrics: {
        text: () => Promise.resolve("metrics\n"),
        contentType: "text/plain; version=0.0.4",
      },
      status: () => statusReport(statusSources({ client })),
    },
  });
}

Deno.test("each path has its answer", async () => {
  const page = await ask("/?x=1");
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(await page.text(), /<title>Ready/);
  const metrics = await ask("/metrics");
  assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4");
  assert.equal(await metrics.text(), "metrics\n");
  const status = await ask("/status.json");
  assert.equal(status.headers.get("content-type"), "application/json");
  assert.equal(readStatus(await status.text()).version, "1.2.3");
  assert.deepEqual([await (await ask("/healthz")).text(), (await ask("/x")).status], ["ok\n", 404]);
});

Deno.test("/readyz says whether requests are served, and why not; /healthz lives anyway", async () => {
  const client = FakeClient.started();
  const ready = await ask("/readyz", {}, client);
  assert.deepEqual([ready.status, await ready.text()], [200, "ready\n"]);
  client.ready = { ready: false, why: "We have no consensus yet." };
  const waiting = await ask("/readyz", {}, client);
  assert.deepEqual([waiting.status, await waiting.text()], [503, "We have no consensus yet.\n"]);
  assert.equal((await ask("/healthz", {}, client)).status, 200);
});

Deno.test("only GET and HEAD are answered", async () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const refused = await ask("/status.json", { method });
    assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
  }
  assert.equal((await ask("/status.json", { method: "HEAD" })).status, 200);
});

Deno.test("who is not accepted learns nothing, whatever the path and the method", async () => {
  for (const [path, method] of [["/", "GET"], ["/metrics", "GET"], ["/x", "POST"]]) {
    const refused = await ask(path, { method, from: "10.0.0.1" });
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /^MetricsPortPolicy does not accept your address\.\n$/);
  }
});

Deno.test("a name that is not ours is refused, and so are other sites' background requests", async () => {
  const other = await ask("/", { headers: { host: "evil.example:9052" } });
  assert.deepEqual([other.status, /MetricsPortHosts/.test(await other.text())], [403, true]);
  assert.equal((await ask("/", { headers: {} })).status, 403);
  assert.equal((await ask("/", { headers: { host: "chive" } })).status, 200);
  const headers = {
    host: "localhost",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
  };
  assert.equal((await ask("/metrics", { headers })).status, 403);
});

Deno.test("every answer forbids browsers to share, keep, frame or extend it", async () => {
  for (const path of ["/", "/metrics", "/x"]) {
    const { headers } = await ask(path);
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src/);
    assert.equal(headers.get("access-control-allow-origin"), null);
    assert.deepEqual(
      ["cache-control", "x-content-type-options", "x-frame-options", "cross-origin-resource-policy"]
        .map((name) => headers.get(name)),
      ["no-store", "nosniff", "DENY", "same-origin"],
    );
  }
});

Deno.test("before there is a client, it is told that the program lives, and no more", async () => {
  const statuses = ["/healthz", "/readyz", "/", "/metrics"].map(async (path) => {
    const request = new Request(US + path, { headers: { host: "localhost" } });
    return (await answer(request, "127.0.0.1", { options: OPTIONS, watched: undefined })).status;
  });
  assert.deepEqual(await Promise.all(statuses), [200, 503, 503, 503]);
});
