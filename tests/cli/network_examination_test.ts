import assert from "node:assert/strict";
import type { Finding } from "../../src/cli/examination.ts";
import { examineNetwork, examinePorts } from "../../src/cli/network_examination.ts";
import type { Config } from "../../src/config/config.ts";
import type { SocketAddress } from "../../src/runtime/network.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { fromTorrc } from "../config/source.ts";
import { freePort } from "../network/free_port.ts";
import { inFolder } from "./program.ts";

const runtime = systemRuntime();

function kinds(findings: readonly Finding[]): string[] {
  return findings.map(({ kind }) => kind);
}

Deno.test("ports are free, or taken by another program or by the client that runs", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { config } = fromTorrc(
      `DataDirectory ${folder}\nSocksPort ${taken.addr.port}\nDNSPort auto\n` +
        `HTTPTunnelPort unix:${folder}/socket\nMetricsPort ${taken.addr.port}`,
    );
    const alone = await examinePorts(config, runtime, false);
    assert.deepEqual(kinds(alone), ["problem", "ok", "ok", "problem"]);
    const beside = await examinePorts(config, runtime, true);
    assert.deepEqual(kinds(beside), ["ok", "ok", "ok", "ok"]);
    using _socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    const socket = await examinePorts(config, runtime, false);
    assert.deepEqual(kinds(socket), ["problem", "problem", "ok", "problem"]);
  }));

/** A configuration whose only directory server is at a port of this machine. */
function withServer({ hostname, port }: SocketAddress): Config {
  const { config } = fromTorrc(
    `DirAuthority a orport=${port} v3ident=${"A".repeat(40)} ${hostname}:1 ${"B".repeat(40)}`,
  );
  return config;
}

Deno.test("directory servers accept connections, or not, and nothing is sent to them", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const received = (async () => {
    using conn = await listener.accept();
    return await conn.read(new Uint8Array(1));
  })();
  const up = withServer({ hostname: "127.0.0.1", port: listener.addr.port });
  assert.deepEqual(await examineNetwork(up, runtime), {
    kind: "ok",
    what: "All 1 directory servers that were tried accept connections.",
  });
  assert.equal(await received, null);

  const down = withServer({ hostname: "127.0.0.1", port: freePort("127.0.0.1") });
  const problem = await examineNetwork(down, runtime);
  assert.equal(problem.kind, "problem");
  assert.match(problem.what, /None of 1 directory servers .*refused/);
});

Deno.test("of many directory servers a few are tried, and some may be down", async () => {
  const { config } = fromTorrc("");
  const tried = new Set<string>();
  const network = {
    ...runtime.network,
    listen: () => assert.fail("nobody listens here"),
    connect: ({ hostname }: SocketAddress): Promise<Deno.TcpConn> => {
      tried.add(hostname);
      return Promise.reject(new Error("no route"));
    },
  };
  const { kind } = await examineNetwork(config, {
    ...runtime,
    network,
    random: new SeededRandom(1),
  });
  assert.equal(kind, "problem");
  assert.equal(tried.size, 6);
});
