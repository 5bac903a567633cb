import assert from "node:assert/strict";
import { parseCommandArguments } from "../../src/cli/command_arguments.ts";
import { CliError } from "../../src/cli/errors.ts";
import { type FetchRequest, readFetchRequest } from "../../src/cli/fetch_request.ts";
import { ConfigError } from "../../src/config/errors.ts";

function readFile(path: string): string {
  if (path === "form") return "a=1&\r\nb=2\n";
  throw new Deno.errors.NotFound("No such file");
}

function read(...args: string[]): FetchRequest {
  return readFetchRequest(parseCommandArguments("fetch", args), readFile);
}

Deno.test("a URL alone is got", () => {
  const { url, method, body, headers, ...others } = read("https://a.example/b?c#d");
  assert.equal(url.href, "https://a.example/b?c#d");
  assert.deepEqual([method, body, [...headers]], ["GET", undefined, []]);
  assert.deepEqual(others, {
    follow: false,
    isolation: undefined,
    head: false,
    output: undefined,
    fail: false,
    caCerts: [],
    maxTime: undefined,
    silent: false,
  });
});

Deno.test("what has no scheme is a web server, as for curl", () => {
  assert.equal(read("a.example:81/b").url.href, "http://a.example:81/b");
});

Deno.test("flags say how, and where the answer goes", () => {
  const request = read(
    ...["u", "-X", "PUT", "-H", "A: b: c", "-H", "a: d", "-L", "--fail", "-s", "-m", "1.5"],
    ...["-o", "file", "--isolate", "tag"],
  );
  assert.deepEqual([...request.headers], [["a", "b: c, d"]]);
  assert.deepEqual(
    [request.method, request.follow, request.fail, request.silent, request.maxTime, request.output],
    ["PUT", true, true, true, 1500, "file"],
  );
  assert.equal(request.isolation, "tag");
  assert.equal(read("u", "-I").method, "HEAD");
});

Deno.test("data is sent as a form, unless a header says otherwise", () => {
  const form = read("u", "-d", "x=y", "-d", "@form");
  assert.deepEqual([form.method, form.body], ["POST", "x=y&a=1&b=2"]);
  assert.equal(form.headers.get("content-type"), "application/x-www-form-urlencoded");
  const json = read("u", "-d", "{}", "-H", "Content-Type: application/json");
  assert.equal(json.headers.get("content-type"), "application/json");
});

const REFUSED: readonly (readonly [args: readonly string[], code: string])[] = [
  [["http://"], "url-malformed"],
  [["http://a b/"], "url-malformed"],
  [["ftp://a.example/"], "url-scheme-unsupported"],
  [["u", "-H", "no colon"], "config-bad-value"],
  [["u", "-H", ": x"], "config-bad-value"],
  [["u", "-H", "a: b\nc: d"], "config-bad-value"],
  [["u", "-X", "A B"], "config-bad-value"],
  [["u", "-m", "0"], "config-bad-value"],
  [["u", "-m", "soon"], "config-bad-value"],
  [["u", "-m", "3000000"], "config-bad-value"],
  [["u", "-I", "-d", "x"], "config-conflict"],
  [["u", "-X", "get", "-d", "x"], "config-conflict"],
  [["u", "-d", "@missing"], "config-unreadable"],
  [["u", "--cacert", "missing"], "config-unreadable"],
];

for (const [args, code] of REFUSED) {
  Deno.test(`a request that makes no sense: ${JSON.stringify(args)}`, () => {
    assert.throws(() => read(...args), (error) => {
      assert.ok(error instanceof ConfigError || error instanceof CliError, String(error));
      assert.equal(error.code, code);
      return true;
    });
  });
}
