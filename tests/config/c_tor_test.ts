/** The same files are given to C tor, where it is installed, and must be judged alike. */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { findForeignOption } from "../../src/config/foreign_options.ts";
import { findOption } from "../../src/config/options.ts";
import { type ConfigLine, parseTorrc } from "../../src/config/torrc.ts";
import { fromTorrc, THREE_AUTHORITIES } from "./source.ts";

/** Why C tor cannot be asked, or undefined when it can. */
function missingTor(): string | undefined {
  try {
    const { success } = new Deno.Command("tor", { args: ["--version"] }).outputSync();
    return success ? undefined : "tor --version failed";
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "tor is not installed" : String(error);
  }
}

/** Runs C tor on a file with these contents; gives what it says, or undefined if it refuses. */
async function runTor(torrc: string, ...args: string[]): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/torrc`, torrc);
    const { code, stdout } = await new Deno.Command("tor", {
      args: ["-f", `${folder}/torrc`, "--defaults-torrc", `${folder}/none`, ...args],
      // A relative or default data directory then ends up in the folder too.
      cwd: folder,
      env: { HOME: folder },
      stderr: "null",
    }).output();
    return code === 0 ? new TextDecoder().decode(stdout) : undefined;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FINGERPRINT = "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";

const ACCEPTED: readonly string[] = [
  "",
  "SocksPort 9150\nDataDirectory data",
  "socksport auto\nSOCKSPORT 127.0.0.1:auto\nSocksPort [::1]:9050",
  "SocksPort 0",
  "SocksPort localhost:9050",
  "SocksPort 9050 IsolateDestAddr isolatedestports NoIsolateClientAddr SessionGroup=3",
  "SocksPort 9050 NoIPv4Traffic IPv6Traffic PreferIPv6 NoOnionTraffic",
  "__SocksPort 9050",
  "HTTPTunnelPort 8118 IsolateDestAddr\nHTTPTunnelPort [::1]:auto\nDNSPort auto\n__DNSPort 5353",
  "HTTPTunnelPort 0\nDNSPort 0",
  'SocksPort unix:/run/a/socks\nSocksPort unix:"/run/a b/socks" IsolateDestPort',
  "SocksPort 9050 NoDNSRequest NoPreferIPv6Automap PreferSOCKSNoAuth CacheDNS UseIPv4Cache",
  "SocksPolicy accept 127.0.0.1, accept6 [::1], reject *\nSocksPolicy accept private:*",
  "SafeSocks 1\nTestSocks 1\nWarnPlaintextPorts 23,80\nRejectPlaintextPorts 23",
  "MapAddress a.example b.example\nMapAddress *.c.example *.d.example\nMapAddress 10.0.0.1 [::1]",
  "AutomapHostsOnResolve 1\nAutomapHostsSuffixes .onion, .\nVirtualAddrNetwork 10.0.0.0/16",
  "VirtualAddrNetworkIPv6 [FC00::]/7",
  "BandwidthRate 100 KBytes\nBandwidthBurst 1.5 mbit",
  "BandwidthRate 75 kilobits\nBandwidthBurst 1m",
  "Log notice\nLog info stderr\nLog debug-notice stdout\nLog warn file tor.log",
  "SafeLogging relay",
  "SocksTimeout 90 seconds\nMaxCircuitDirtiness 1.5 hours\nNewCircuitPeriod 5minutes",
  "CircuitBuildTimeout 10\nLearnCircuitBuildTimeout 0",
  "NumEntryGuards 2\nNumPrimaryGuards 3\nNumDirectoryGuards 4\nGuardLifetime 2 months",
  `NodeFamily a,b,$${FINGERPRINT}\nNodeFamily ${FINGERPRINT}=c`,
  "PathsNeededToBuildCircuits 0.7\nUseHelperNodes 1\nKeepalivePeriod 1",
  "ClientBootstrapConsensusAuthorityDownloadInitialDelay 6, 11, 3600",
  "ClientOnly 1\nAssumeReachable 1\nORPort 0\nDirPort 0\nControlPort 0\nRunAsDaemon 0",
  "ExitPolicy reject *:*\nUseMicrodescriptors auto\nUseBridges 0\nWarnUnsafeSocks 1",
  "Nickname me\nContactInfo someone\nDisableDebuggerAttachment 0\nConnLimit 60",
  `TestingTorNetwork 1\n${THREE_AUTHORITIES}`,
  `TestingTorNetwork 1\nTestingDirConnectionMaxStall 5${THREE_AUTHORITIES}EnforceDistinctSubnets 1`,
  `ClientDNSRejectInternalAddresses 0\nClientRejectInternalAddresses 0${THREE_AUTHORITIES}`,
  `DirServer a hs no-v2 bridge orport=1 ipv6=[::1]:2 weight=0.5 127.0.0.1:3 ${FINGERPRINT}`,
  `DirAuthority upload=http://1.2.3.4:80/ vote=http://1.2.3.4:81 1.2.3.4:80 ${FINGERPRINT}`,
  `DirAuthority a new-flag 1.2.3.4:80 ${FINGERPRINT}`,
  `FallbackDir 1.2.3.4:80 orport=443 id=${FINGERPRINT} ipv6=[2001:db8::1]:443 weight=10`,
  `FallbackDir [2001:db8::1] new=1 id=${FINGERPRINT} orport=443`,
  "UseDefaultFallbackDirs 0",
  "ClientUseIPv4 0\nClientUseIPv6 0\nClientPreferIPv6ORPort auto",
  "ClientUseIPv6 0\nClientPreferIPv6ORPort 1",
  "ConnectionPadding 0\nReducedConnectionPadding 1",
  "ConnectionPadding AUTO\nReducedConnectionPadding 0",
  "SocksPort 9050 KeepAliveIsolateSOCKSAuth IsolateSOCKSAuth",
  `ExcludeNodes ${FINGERPRINT}, $${FINGERPRINT}=a ,b\nExcludeNodes 192.0.2.0/24`,
  "ExcludeExitNodes 192.0.2.1, 192.0.2.0/255.255.255.0:80, [2001:db8::]/32:1-2,2001:db8::/32",
  "ExcludeNodes *:80\nExcludeNodes *4,*6:1-65535,,\nStrictNodes 1",
  `EntryNodes ${FINGERPRINT}\n+ExitNodes a\nMiddleNodes $${FINGERPRINT}~b`,
  "ExcludeNodes {de},{??}, {a1}\nGeoIPFile geoip\nGeoIPv6File geoip6\nGeoIPExcludeUnknown 1",
  "GeoIPFile geoip\nGeoIPExcludeUnknown auto",
  "DormantClientTimeout 10 minutes\nDormantTimeoutEnabled 0\nDormantOnFirstStartup 1",
  "DormantTimeoutDisabledByIdleStreams 0\nDormantCanceledByStartup 1",
  `TestingTorNetwork 1\nDormantClientTimeout 1${THREE_AUTHORITIES}`,
  "PathBiasCircThreshold 20\nPathBiasNoticeRate 0.7\nPathBiasWarnRate 1\nPathBiasDropGuards auto",
  "PathBiasExtremeRate -1\nPathBiasScaleThreshold -1\nPathBiasUseThreshold 0",
  "PathBiasNoticeUseRate .5\nPathBiasExtremeUseRate 0\nPathBiasScaleUseThreshold 10",
  "CircuitsAvailableTimeout 24 hours\nMaxClientCircuitsPending 1024\nLongLivedPorts 22, 80",
  "PathsNeededToBuildCircuits -1",
  'DataDirectory "da\\x74a" # quoted\n\n  SocksPort \\\n# between\n 9050 \\\nIsolateDestAddr\n',
  "SocksPort 1\r\n/SocksPort\r\n+SocksPort 2\r\n",
];

const REFUSED: readonly string[] = [
  "SockPort 9050",
  "SocksPort 65536",
  "SocksPort 127.0.0.1",
  "SocksPort 127.0.0.1:0",
  "SocksPort 0\nSocksPort 9050",
  "SocksPort 9050 SessionGroup=x",
  "SocksPort 9050 SessionGroup=1 SessionGroup=2",
  "SocksPort 9050 NoIPv4Traffic NoIPv6Traffic",
  "HTTPTunnelPort 0\nHTTPTunnelPort 8118",
  "HTTPTunnelPort 65536",
  "DNSPort unix:/run/dns",
  "DNSPort 5353 NoDNSRequest",
  "SocksPort 9050 WorldWritable",
  "SocksPolicy allow *",
  "SafeSocks yes",
  "WarnPlaintextPorts telnet",
  "RejectPlaintextPorts 0",
  "VirtualAddrNetworkIPv4 127.192.0.0/17",
  "VirtualAddrNetworkIPv4 [fe80::]/10",
  "VirtualAddrNetworkIPv6 [fe80::]/105",
  "BandwidthRate 1 furlong",
  "BandwidthRate 2 MB\nBandwidthBurst 1 MB",
  "BandwidthRate 3 GB\nBandwidthBurst 3 GB",
  "EnforceDistinctSubnets yes",
  "SocksTimeout 1 fortnight",
  "SocksTimeout -1",
  "NumEntryGuards many",
  "NumEntryGuards 4\nNumPrimaryGuards 3",
  "KeepalivePeriod 0",
  "SafeLogging 2",
  "Log loud",
  "Log stdout",
  "Log info nowhere",
  "Log info file",
  "NodeFamily a b",
  "TestingTorNetwork 1",
  "TestingDirConnectionMaxStall 10",
  `TestingTorNetwork 1\nTestingDirConnectionMaxStall 4${THREE_AUTHORITIES}`,
  "ClientDNSRejectInternalAddresses 0",
  "ClientBootstrapConsensusMaxInProgressTries 0",
  `DirAuthority a 127.0.0.1 ${FINGERPRINT}`,
  `DirAuthority a [::1]:80 ${FINGERPRINT}`,
  `DirAuthority a 127.0.0.1:80 ${FINGERPRINT}00`,
  "DirAuthority a",
  `DirAuthority ipv6=1.2.3.4:5 127.0.0.1:80 ${FINGERPRINT}`,
  `DirAuthority vote=https://1.2.3.4:5/ 127.0.0.1:80 ${FINGERPRINT}`,
  `FallbackDir 1.2.3.4 orport=443`,
  `FallbackDir 1.2.3.4 id=${FINGERPRINT}`,
  `FallbackDir orport=443 id=${FINGERPRINT}`,
  "ClientUseIPv4 auto",
  "ConnectionPadding 2",
  "ReducedConnectionPadding auto",
  "SocksPort 9050 NoIsolateSOCKSAuth KeepAliveIsolateSOCKSAuth",
  "ExcludeNodes two names",
  "ExcludeNodes good,bad!",
  `ExcludeNodes ${FINGERPRINT}0`,
  `ExitNodes ${FINGERPRINT}=`,
  "ExitNodes $name",
  "MiddleNodes {d}",
  "EntryNodes 192.0.2.0/33",
  "EntryNodes 192.0.2.0/24:0",
  "EntryNodes 192.0.2.0/24:2-1",
  "EntryNodes 192.0.2.0/255.0.255.0",
  "EntryNodes 2001:db8::1",
  "EntryNodes [2001:db8::",
  "EntryNodes */8",
  `EntryNodes ${FINGERPRINT}\nUseEntryGuards 0`,
  "StrictNodes 2",
  "GeoIPExcludeUnknown 2",
  "DormantClientTimeout 599 seconds",
  "DormantTimeoutEnabled auto",
  "PathBiasNoticeRate 1.1",
  "PathBiasWarnRate 1.1",
  "PathBiasExtremeRate 1.1",
  "PathBiasNoticeUseRate 1.1",
  "PathBiasExtremeUseRate 1.1",
  "PathBiasCircThreshold 1.5",
  "PathBiasDropGuards 2",
  "CircuitsAvailableTimeout 86401",
  "MaxClientCircuitsPending 0",
  "MaxClientCircuitsPending 1025",
  "LongLivedPorts 22,0",
  "SocksTimeout 500 msec",
  'DataDirectory "unclosed',
  'DataDirectory "\\q"',
  'DataDirectory "a" b',
];

/** Values of a text option that are hard to read; C tor shows how it read them. */
const VALUES: readonly string[] = [
  "one two  three\t ",
  "one # two",
  '"one # two" # three',
  'one "two"',
  String.raw`"\x41\102\"\\\' \t"`,
  "one \\\n two \\\n three",
  "one \\\n# comment\ntwo",
  "one \\\ntwo # comment\nthree",
  "C:\\dir\\",
  "one\r",
];

const missing = missingTor();
const mustRun = Deno.env.get("CI") === "true";

Deno.test({
  name: missing ? `C tor judges alike (skipped: ${missing})` : "C tor judges alike",
  ignore: missing !== undefined && !mustRun,
  async fn(t) {
    assert.equal(missing, undefined);
    for (const torrc of ACCEPTED) {
      await t.step(`both accept ${JSON.stringify(torrc)}`, async () => {
        assert.notEqual(await runTor(torrc, "--verify-config", "--hush"), undefined, "C tor");
        fromTorrc(torrc);
      });
    }
    for (const torrc of REFUSED) {
      await t.step(`both refuse ${JSON.stringify(torrc)}`, async () => {
        assert.equal(await runTor(torrc, "--verify-config", "--hush"), undefined, "C tor");
        assert.throws(() => fromTorrc(torrc), ConfigError);
      });
    }
    for (const value of VALUES) {
      await t.step(`both read ${JSON.stringify(value)} alike`, async () => {
        const torrc = `ContactInfo ${value}\n`;
        const shown = await runTor(torrc, "--dump-config", "short");
        assert.ok(shown !== undefined);
        // What C tor shows is a configuration file again, and may be quoted.
        assert.equal(contact(parseTorrc(torrc, "f")), contact(parseTorrc(shown, "shown")));
      });
    }
    await t.step("every option that C tor lists is known, if only to be refused", async () => {
      const listed = await runTor("", "--list-torrc-options", "--hush");
      assert.ok(listed !== undefined);
      const names = listed.trim().split("\n");
      assert.ok(names.length > 300, `${names.length}`);
      assert.deepEqual(names.filter((name) => !findOption(name) && !findForeignOption(name)), []);
    });
  },
});

function contact(lines: readonly ConfigLine[]): string | undefined {
  return lines.find((line) => line.name === "ContactInfo")?.value;
}
