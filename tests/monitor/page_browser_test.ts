/** The page in a real browser. Skips where there is no Chromium. */
import assert from "node:assert/strict";
import { LOOPBACK_ONLY } from "../../src/config/access_policy.ts";
import { answer } from "../../src/monitor/answers.ts";
import { statusReport } from "../../src/monitor/status_report.ts";
import { FakeClient, STATISTICS, statusSources } from "./fake_client.ts";
import { hasProgram, runProgram } from "./program.ts";

const CHROMIUM = "chromium";

/** The least bytes of a screenshot that shows more than an empty page. */
const SOMETHING = 20_000;

/** Serves a page that has one more open stream each time; counts how often it was asked for. */
class CountingServer implements AsyncDisposable {
  pages = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const client = FakeClient.started();
    const metrics = { text: () => Promise.resolve(""), contentType: "text/plain" };
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const status = () => {
        client.numbers = { ...STATISTICS, streams: 1000 + ++this.pages };
        return statusReport(statusSources({ client }));
      };
      const options = { policy: LOOPBACK_ONLY, hosts: [] };
      return answer(request, "127.0.0.1", { options, watched: { metrics, status } });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

async function browse(args: readonly string[]): Promise<string> {
  const profile = await Deno.makeTempDir();
  try {
    const { code, output } = await runProgram(CHROMIUM, [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--hide-scrollbars",
      "--enable-logging=stderr",
      `--user-data-dir=${profile}`,
      ...args,
    ]);
    assert.equal(code, 0, output);
    return output;
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

Deno.test("in a browser the page is brought up to date in its place, within its policy", {
  ignore: !await hasProgram(CHROMIUM),
}, async () => {
  await using server = new CountingServer();
  // The browser's own time is hurried on by 5 s, which is time for two updates.
  const output = await browse(["--virtual-time-budget=5000", "--dump-dom", server.url]);
  assert.ok(server.pages >= 3, `${server.pages} pages`);
  const [, streams] = /<dt>Streams open<\/dt><dd>(\d+)<\/dd>/.exec(output) ?? [];
  assert.ok(Number(streams) >= 1002, `${streams} streams`);
  assert.ok(!/Content Security Policy|Uncaught|Refused to/.test(output), output);
  assert.ok(!output.includes('class="lost"'));
});

for (const [name, width, height] of [["a desk", 1200, 1000], ["a phone", 500, 1600]] as const) {
  Deno.test(`a screenshot for ${name} shows something`, {
    ignore: !await hasProgram(CHROMIUM),
  }, async () => {
    await using server = new CountingServer();
    const file = await Deno.makeTempFile({ suffix: ".png" });
    try {
      await browse([`--window-size=${width},${height}`, `--screenshot=${file}`, server.url]);
      const picture = await Deno.readFile(file);
      const view = new DataView(picture.buffer);
      assert.deepEqual([view.getUint32(16), view.getUint32(20)], [width, height]);
      assert.ok(picture.length > SOMETHING, `${picture.length} bytes`);
    } finally {
      await Deno.remove(file);
    }
  });
}
