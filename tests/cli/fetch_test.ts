/** `fetch` as people start it, on a network in this process. */
import assert from "node:assert/strict";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { freePort } from "../network/free_port.ts";
import { TestCa } from "../client/tls_certificates.ts";
import { CERTIFICATE_FLAG, chive, inFolder, SYSTEM_FLAG } from "./program.ts";

/** What the web server got and where it is. */
interface World {
  readonly folder: string;
  readonly torrc: string;
  readonly origin: string;
  readonly secure: string;
  /** A server that has the certificate of another one. */
  readonly misnamed: string;
  readonly requests: Request[];
}

const ENVIRONMENT = "--allow-env=JEST_WORKER_ID,UNDICI_NO_WASM_SIMD";
const NAME = "web.test.example";

/** Starts a network, and a web server with and without TLS behind its exits. */
async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using network = await EmbeddedNetwork.start({ names: { [NAME]: "127.0.0.1" } });
    const requests: Request[] = [];
    const here = { hostname: "127.0.0.1", port: 0, onListen() {} };
    await using web = Deno.serve(here, async (request) => {
      requests.push(request.clone());
      return await answer(request);
    });
    const ca = new TestCa();
    const secret = () => new Response("secret");
    await using tls = Deno.serve({ ...here, ...ca.issue(NAME) }, secret);
    await using other = Deno.serve({ ...here, ...ca.issue("other.example") }, secret);
    await Deno.writeTextFile(`${folder}/ca.pem`, ca.cert);
    const torrc = `${folder}/torrc`;
    const text = network.clientTorrc({
      dataDirectory: `${folder}/data`,
      socksPort: 0,
      log: "warn stdout",
    });
    await Deno.writeTextFile(torrc, text);
    await test({
      folder,
      torrc,
      origin: `http://${NAME}:${web.addr.port}`,
      secure: `https://${NAME}:${tls.addr.port}`,
      misnamed: `https://${NAME}:${other.addr.port}`,
      requests,
    });
  });
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/moved":
      return new Response("look there", { status: 302, headers: { location: "/text" } });
    case "/missing":
      return new Response("nothing here\n", { status: 404 });
    case "/large":
      return new Response("x".repeat(300_000));
    case "/echo":
      return new Response(`${request.method} ${await request.text()}\n`);
    default:
      return new Response("the text\n", { headers: { "x-chive": "yes" } });
  }
}

/** Runs `fetch` to its end: its exit code and what it printed but for Deno's own warning. */
async function fetchWith(
  { folder, torrc }: World,
  args: readonly string[],
  flags: readonly string[] = [CERTIFICATE_FLAG],
): Promise<[number, string]> {
  await using child = chive(folder, flags, ["fetch", "-f", torrc, ...args]);
  const { code } = await child.ended;
  const lines = child.log.split("\n")
    .filter((line) => !line.includes("DANGER: TLS") && !line.includes("TestingTorNetwork is set"));
  return [code, lines.join("\n")];
}

Deno.test("fetch writes what it is asked for, and ends with curl's exit codes", () =>
  withWorld(async (world) => {
    const { origin, requests, folder } = world;
    assert.deepEqual(await fetchWith(world, [`${origin}/text`]), [0, "the text"]);
    assert.deepEqual(await fetchWith(world, ["-s", `${origin}/moved`]), [0, "look there"]);
    assert.deepEqual(await fetchWith(world, ["-sL", `${origin}/moved`]), [0, "the text"]);
    assert.deepEqual(await fetchWith(world, [`${origin}/missing`]), [0, "nothing here"]);
    const [failed, said] = await fetchWith(world, ["--fail", `${origin}/missing`]);
    assert.equal(failed, 22);
    assert.match(said, /^chive: .*status 404\.$/);
    const sent = ["-d", "a=1", "-d", "b", "-H", "X-Test: one", "--isolate", "tag"];
    assert.deepEqual(await fetchWith(world, [...sent, `${origin}/echo`]), [0, "POST a=1&b"]);
    assert.equal(requests.at(-1)?.headers.get("x-test"), "one");
    const [head, headers] = await fetchWith(world, ["-I", `${origin}/text`]);
    assert.equal(head, 0);
    assert.match(headers, /^HTTP 200( OK)?\n/);
    assert.match(headers, /^x-chive: yes$/m);
    const file = `${folder}/large`;
    assert.deepEqual(await fetchWith(world, [`${origin}/large`, "-o", file]), [0, ""]);
    assert.equal(await Deno.readTextFile(file), "x".repeat(300_000));
  }));

Deno.test("fetch of HTTPS believes the server's certificate only, by its authority and its name", () =>
  withWorld(async (world) => {
    const { secure, misnamed, folder } = world;
    const trusting = ["--cacert", `${folder}/ca.pem`];
    const flags = [CERTIFICATE_FLAG, SYSTEM_FLAG];
    assert.deepEqual(await fetchWith(world, [...trusting, secure], flags), [0, "secret"]);
    for (const args of [[secure], [...trusting, misnamed]]) {
      const [code, said] = await fetchWith(world, args, flags);
      assert.equal(code, 60, said);
      assert.match(said, /^chive: [^\n]*certificate[^\n]*$/);
    }
    const [code, said] = await fetchWith(world, [...trusting, secure]);
    assert.notEqual(code, 0);
    assert.match(said, /--allow-sys/);
  }));

Deno.test("fetch tells what went wrong by its exit code and one line", () =>
  withWorld(async (world) => {
    const { origin, secure, folder } = world;
    const cases: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
      [[secure], 60, /certificate/],
      [["http://missing.test.example/"], 6, /./],
      [[`http://${NAME}:${freePort("127.0.0.1")}/`], 7, /./],
      [["ftp://web.test.example/"], 1, /'ftp:'/],
      [["http://"], 3, /URL makes no sense/],
      [[`${origin}/text`, "-o", `${folder}/none/file`], 23, /Cannot write to/],
      [[`${origin}/text`, "-o", `${folder}-elsewhere`], 23, /--allow-write=\S+-elsewhere/],
      [[`${origin}/text`, "-m", "0.001"], 28, /took too long/],
      [[`${origin}/text`, "--Nonsense", "1"], 2, /--Nonsense/],
    ];
    for (const [args, code, says] of cases) {
      const [ended, said] = await fetchWith(world, args);
      assert.equal(ended, code, `${args.join(" ")}: ${said}`);
      assert.match(said, /^chive: [^\n]*$/);
      assert.match(said, says);
    }
    const without = [CERTIFICATE_FLAG, ENVIRONMENT.replace("allow", "deny")];
    const [ended, said] = await fetchWith(world, [`${origin}/text`], without);
    assert.equal(ended, 1);
    assert.ok(said.startsWith("chive: ") && said.includes(` ${ENVIRONMENT} `), said);
  }));
