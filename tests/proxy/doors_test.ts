import assert from "node:assert/strict";
import { ProxyError } from "../../src/proxy/errors.ts";
import { DatagramSocket } from "../../src/runtime/datagram_socket.ts";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { dnsQuery, framed, readResponse } from "./dns_packets.ts";
import { FakeOpener } from "./fake_opener.ts";
import { CONNECTED, connectTo, wire } from "./socks_client.ts";
import { openDoors, withDoors } from "./with_doors.ts";

const TUNNEL_OPEN =
  "HTTP/1.0 200 OK\r\nTor-Capabilities: \r\nVia: tor/1.0 tor-network (chive)\r\n\r\n";

/** Runs a test with a folder of its own. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What opening the doors of a torrc fails with. */
async function failure(torrc: string): Promise<ProxyError> {
  const clock = new FakeClock();
  let failed: unknown;
  try {
    const doors = await openDoors(torrc, new FakeOpener(), clock);
    await doors.close(AbortSignal.abort());
  } catch (error) {
    failed = error;
  }
  assert.ok(failed instanceof ProxyError, String(failed));
  assert.equal(failed.exitCode, 2);
  assert.equal(clock.pendingTimers, 0);
  return failed;
}

/** A free port of loopback. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("several doors at once, each with its real port", async () => {
  const torrc = "SocksPort auto\nSocksPort 127.0.0.1:auto\nHTTPTunnelPort auto\nDNSPort auto";
  await withDoors(async ({ doors, opener, connect }) => {
    assert.deepEqual(doors.open.map(({ kind }) => kind), [
      "SocksPort",
      "SocksPort",
      "HTTPTunnelPort",
      "DNSPort",
    ]);
    for (const address of doors.addresses("SocksPort")) {
      const client = await connect(address);
      await client.send(connectTo("a.example"));
      assert.equal(await client.hex(12), CONNECTED);
    }
    const tunnel = await connect(doors.addresses("HTTPTunnelPort")[0]);
    await tunnel.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n");
    assert.equal((await tunnel.read(TUNNEL_OPEN.length)).length, TUNNEL_OPEN.length);
    opener.onLookup = () => [{ kind: "ip4", value: "192.0.2.1", ttl: 60 }];
    const dns = await connect(doors.addresses("DNSPort")[0]);
    await dns.send(framed(dnsQuery("A", "a.example")));
    const [high, low] = await dns.read(2);
    assert.equal(readResponse(await dns.read(high << 8 | low)).answers.length, 1);
    assert.deepEqual(doors.open.map(({ connections }) => connections), [1, 1, 1, 1]);
  }, { torrc });
});

Deno.test("isolation across doors: by listener, by group, and by what is spoken", async () => {
  const keys = async (flags: string) => {
    const given: string[] = [];
    const torrc = ["SocksPort", "HTTPTunnelPort", "DNSPort"]
      .map((kind) => `${kind} auto ${flags}`).join("\n");
    await withDoors(async ({ doors, opener, connect }) => {
      const socks = await connect(doors.addresses("SocksPort")[0]);
      await socks.send(connectTo("a.example"));
      await socks.hex(12);
      const tunnel = await connect(doors.addresses("HTTPTunnelPort")[0]);
      await tunnel.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n");
      await tunnel.read(TUNNEL_OPEN.length);
      const dns = await connect(doors.addresses("DNSPort")[0]);
      await dns.send(framed(dnsQuery("A", "a.example")));
      await dns.read(2);
      for (const { isolation } of [...opener.opened, ...opener.lookups]) given.push(isolation.key);
    }, { torrc });
    assert.equal(given.length, 3);
    return new Set(given).size;
  };
  assert.equal(await keys(""), 3);
  assert.equal(await keys("SessionGroup=1"), 1);
  assert.equal(await keys("SessionGroup=1 IsolateClientProtocol"), 3);
});

Deno.test("a name that DNS was answered an address for is reached through the other doors", async () => {
  const torrc = "SocksPort auto\nDNSPort auto\nAutomapHostsOnResolve 1\nAutomapHostsSuffixes .test";
  await withDoors(async ({ doors, opener, connect }) => {
    const dns = await connect(doors.addresses("DNSPort")[0]);
    await dns.send(framed(dnsQuery("A", "web.test")));
    const [high, low] = await dns.read(2);
    const [{ data }] = readResponse(await dns.read(high << 8 | low)).answers;
    const client = await connect();
    await client.send(wire([5, 1, 0, 5, 1, 0, 1], data.split(".").map(Number), [0, 80]));
    assert.equal(await client.hex(12), CONNECTED);
    assert.deepEqual(opener.opened[0].target, { kind: "name", host: "web.test", port: 80 });
  }, { torrc });
});

Deno.test("SocksPolicy: who is not accepted is not heard", async () => {
  await withDoors(async ({ opener, connect }) => {
    const client = await connect();
    await client.send(connectTo("a.example")).catch(() => {});
    assert.equal((await client.rest().catch(() => new Uint8Array(0))).length, 0);
    assert.equal(opener.opened.length, 0);
  }, { torrc: "SocksPort auto\nSocksPolicy accept 192.0.2.0/24, reject *" });
  await withDoors(async ({ connect }) => {
    const client = await connect();
    await client.send(connectTo("a.example"));
    assert.equal(await client.hex(12), CONNECTED);
  }, { torrc: "SocksPort auto\nSocksPolicy accept 127.0.0.1\nSocksPolicy reject *" });
});

Deno.test("one port that is taken: its line is named, and no other is left open", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = [freePort(), freePort()];
  for (const kind of ["SocksPort", "HTTPTunnelPort", "DNSPort"]) {
    const others = kind === "SocksPort" ? "" : "SocksPort 0\n";
    const torrc = `${others}${kind} ${free[0]}\n${kind} ${taken.addr.port}\n${kind} ${free[1]}`;
    const error = await failure(torrc);
    assert.equal(error.code, "listen-address-in-use");
    const line = others === "" ? 2 : 3;
    assert.ok(error.message.startsWith(`test.torrc, line ${line}: cannot open the ${kind} on `));
    assert.ok(error.message.includes(`127.0.0.1:${taken.addr.port}`), error.message);
    for (const port of free) Deno.listen({ hostname: "127.0.0.1", port }).close();
  }
});

Deno.test("a port that is taken for UDP alone is taken for DNS", async () => {
  // A port that is free for TCP; one that is only free for UDP may be that of a connection.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const taken = await DatagramSocket.bind({ hostname: "127.0.0.1", port }, () => {});
  listener.close();
  assert.equal((await failure(`SocksPort 0\nDNSPort ${port}`)).code, "listen-address-in-use");
  Deno.listen(taken.address).close();
  await taken.close();
});

Deno.test("an address that is not of this machine", async () => {
  for (const kind of ["SocksPort", "HTTPTunnelPort", "DNSPort"]) {
    const { code } = await failure(
      `SocksPort 0\n${kind} 192.0.2.1:1080`.replace(/^SocksPort 0\n(?=SocksPort)/, ""),
    );
    assert.equal(code, "listen-address-unavailable", kind);
  }
});

Deno.test("Unix sockets: for SOCKS and for the tunnel, in folders that are made for them", async () => {
  await inFolder(async (folder) => {
    const data = `${folder}/data`;
    const paths = [`${data}/doors/socks`, `${data}/tunnel`];
    const torrc = `DataDirectory ${data}\nSocksPort unix:${paths[0]}\n` +
      `HTTPTunnelPort unix:"${paths[1]}"`;
    await withDoors(async ({ doors, opener }) => {
      assert.deepEqual(doors.open.map(({ place }) => place), [
        { kind: "unix", path: paths[0] },
        { kind: "unix", path: paths[1] },
      ]);
      assert.deepEqual(doors.addresses("SocksPort"), []);
      assert.equal((await Deno.stat(`${data}/doors`)).mode, 0o40700);
      using socks = await Deno.connect({ transport: "unix", path: paths[0] });
      await socks.write(connectTo("a.example"));
      assert.equal(await read(socks, 12), CONNECTED);
      using tunnel = await Deno.connect({ transport: "unix", path: paths[1] });
      await tunnel.write(wire("CONNECT a.example:443 HTTP/1.1\r\n\r\n"));
      assert.equal(await read(tunnel, TUNNEL_OPEN.length), wire(TUNNEL_OPEN).toHex());
      assert.equal(opener.opened.length, 2);
    }, { torrc });
    for (const path of paths) await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  });
});

async function read(conn: Deno.Conn, length: number): Promise<string> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await conn.read(bytes.subarray(filled));
    if (count === null) return bytes.subarray(0, filled).toHex();
    filled += count;
  }
  return bytes.toHex();
}

Deno.test("Unix sockets: one that was left behind is replaced, one that is served is not", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/socks`;
    const torrc = `DataDirectory ${folder}\nSocksPort unix:${path}`;
    const left = await leaveSocket(path);
    assert.ok((await Deno.lstat(path)).isSocket, left);
    await withDoors(async () => {
      assert.equal((await failure(torrc)).code, "listen-address-in-use");
      using conn = await Deno.connect({ transport: "unix", path });
      await conn.write(connectTo("a.example"));
      assert.equal(await read(conn, 12), CONNECTED);
    }, { torrc });
  });
});

/** Lets a process listen at a path, and kills it. */
async function leaveSocket(path: string): Promise<string> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });
    console.log("ready"); setInterval(() => {}, 1e6);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
  return new TextDecoder().decode(value);
}

Deno.test("Unix sockets: nothing else is overwritten, and folders of others are not used", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/file`;
    await Deno.writeTextFile(file, "precious");
    const open = (path: string) => failure(`DataDirectory ${folder}/data\nSocksPort unix:${path}`);
    assert.equal((await open(file)).code, "listen-socket-place-unusable");
    assert.equal(await Deno.readTextFile(file), "precious");
    assert.equal((await open(`${file}/socks`)).code, "listen-socket-place-unusable");
    assert.equal((await open(`${folder}/missing/socks`)).code, "listen-socket-place-unusable");
    await Deno.mkdir(`${folder}/open`, { mode: 0o755 });
    const error = await open(`${folder}/open/socks`);
    assert.equal(error.code, "listen-socket-not-private");
    assert.match(error.message, /^test\.torrc, line 2: cannot open the SocksPort on unix:/);
  });
});

Deno.test({
  name: "Unix sockets: what this process may not use is said with what would help",
  permissions: { net: true, read: false, write: false },
  fn: async () => {
    const { code, message, advice } = await failure("SocksPort unix:/run/chive/socks");
    assert.equal(code, "listen-socket-not-permitted");
    assert.match(message, /^test\.torrc, line 1: .* unix:\/run\/chive\/socks: .*\/run\/chive/);
    assert.match(message, / --allow-read=\/run\/chive --allow-write=\/run\/chive /);
    assert.match(advice ?? "", /data directory/);
  },
});

Deno.test("log: what is asked for, and by whom, is told at no door", async () => {
  await using log = await LogWatch.start();
  const torrc = "SocksPort 0\nHTTPTunnelPort auto\nDNSPort auto\nMapAddress a.secret.example a..b";
  await withDoors(async ({ doors, opener, connect }) => {
    const fail = () => {
      throw new Error("a bug that names secret.example");
    };
    [opener.onOpen, opener.onLookup] = [fail, fail];
    const [tunnel] = doors.addresses("HTTPTunnelPort");
    const [dns] = doors.addresses("DNSPort");
    for (const host of ["secret.example", "a.secret.example", "secret!", "secret.exit", "secret"]) {
      const client = await connect(tunnel);
      const secret = `Proxy-Authorization: Basic ${btoa("secret:secret")}\r\nCookie: secret`;
      await client.send(`CONNECT ${host}:443 HTTP/1.1\r\n${secret}\r\n\r\n`);
      await client.rest();
      const asking = await connect(dns);
      await asking.send(framed(dnsQuery("A", host)), framed(dnsQuery("PTR", host)));
      await asking.end();
      await asking.rest();
    }
  }, { torrc });
  assert.ok(log.lines.length > 10);
  assert.deepEqual(log.lines.filter((line) => /secret|c2VjcmV0/.test(line)), []);
});
