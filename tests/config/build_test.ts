import assert from "node:assert/strict";
import fc from "fast-check";
import { LOOPBACK_ONLY } from "../../src/config/access_policy.ts";
import { buildConfig } from "../../src/config/build.ts";
import type { ClientPort } from "../../src/config/config.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { OPTION_NAMES } from "../../src/config/options.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { DEFAULT_BACKOFF } from "../../src/runtime/backoff.ts";
import { fromTorrc, THREE_AUTHORITIES } from "./source.ts";

/** The Config of a file and a command line with these lines. */
function fromBoth(file: string, commandLine: string) {
  return buildConfig([parseTorrc(file, "f"), parseTorrc(commandLine, "c")]).config;
}

/** The numbers of TCP ports. */
function portNumbers(ports: readonly ClientPort[]): number[] {
  return ports.map(({ place }) => place.kind === "tcp" ? place.port : NaN);
}

const TESTING = `TestingTorNetwork 1\n${THREE_AUTHORITIES}`;
const MINUTE = 60_000;

Deno.test("without any setting, the defaults are C tor's", () => {
  const { authorities, fallbacks, socksPorts, doors: _, ...rest } = fromTorrc("").config;
  assert.deepEqual([authorities.length, fallbacks.length, socksPorts.length], [10, 200, 1]);
  assert.deepEqual(rest, {
    dataDirectory: "./chive-data",
    httpTunnelPorts: [],
    dnsPorts: [],
    bandwidth: undefined,
    testingTorNetwork: false,
    enforceDistinctSubnets: true,
    extendAllowPrivateAddresses: false,
    clientRejectInternalAddresses: true,
    clientDnsRejectInternalAddresses: true,
    logs: [{ level: "notice", mostSevere: "err", sink: { kind: "stdout" } }],
    logFormat: "text",
    logMessageDomains: false,
    logMaxSize: 16 * 2 ** 20,
    logFiles: 4,
    metrics: { ports: [], policy: LOOPBACK_ONLY, hosts: [] },
    safeLogging: true,
    downloads: {
      bootstrapAuthorityDelay: 6000,
      bootstrapFallbackDelay: 0,
      bootstrapAuthorityOnlyDelay: 0,
      bootstrapMaxInProgress: 3,
      consensusDelay: 0,
      documentDelay: 0,
      consensusCheckInterval: MINUTE,
      maxIntervalWithoutRequest: 10 * MINUTE,
      maxStall: 5 * MINUTE,
      minConsensusInterval: 5 * MINUTE,
    },
    circuitBuildTimeout: undefined,
    learnCircuitBuildTimeout: true,
    circuitsAvailableTimeout: undefined,
    maxCircuitsPending: 32,
    longLivedPorts: [21, 22, 706, 1863, 5050, 5190, 5222, 5223, 6523, 6667, 6697, 8300],
    maxCircuitDirtiness: 10 * MINUTE,
    newCircuitPeriod: MINUTE / 2,
    conflux: { enabled: "auto", clientUx: "throughput" },
    socksTimeout: 2 * MINUTE,
    connections: {
      useIpv4: true,
      useIpv6: true,
      preferIpv6: "auto",
      padding: "auto",
      reducedPadding: false,
      keepalivePeriod: 5 * MINUTE,
      backoff: DEFAULT_BACKOFF,
      maxOpen: 128,
      maxConnecting: 16,
    },
    dormant: {
      enabled: true,
      timeout: 24 * 60 * MINUTE,
      idleStreamsCount: true,
      onFirstStartup: false,
      canceledByStartup: false,
    },
    nodes: {
      exclude: [],
      excludeExit: [],
      entry: [],
      exit: [],
      middle: [],
      strict: false,
      excludeUnknownCountries: "auto",
      geoIpFile: undefined,
      geoIpv6File: undefined,
    },
    pathBias: {
      circuitThreshold: undefined,
      noticeRate: undefined,
      warnRate: undefined,
      extremeRate: undefined,
      dropGuards: false,
      scaleThreshold: undefined,
      useThreshold: undefined,
      noticeUseRate: undefined,
      extremeUseRate: undefined,
      scaleUseThreshold: undefined,
    },
    useEntryGuards: true,
    numEntryGuards: undefined,
    numPrimaryGuards: undefined,
    numDirectoryGuards: undefined,
    guardLifetime: undefined,
    pathsNeededToBuildCircuits: undefined,
    nodeFamilies: [],
  });
});

Deno.test("TestingTorNetwork changes what it changes in C tor for a client", () => {
  const { config, warnings } = fromTorrc(TESTING);
  assert.equal(config.testingTorNetwork, true);
  assert.equal(config.enforceDistinctSubnets, false);
  assert.equal(config.extendAllowPrivateAddresses, true);
  assert.equal(config.clientRejectInternalAddresses, false);
  assert.equal(config.clientDnsRejectInternalAddresses, false);
  assert.deepEqual(config.downloads, {
    bootstrapAuthorityDelay: 0,
    bootstrapFallbackDelay: 0,
    bootstrapAuthorityOnlyDelay: 0,
    bootstrapMaxInProgress: 3,
    consensusDelay: 0,
    documentDelay: 0,
    consensusCheckInterval: 1000,
    maxIntervalWithoutRequest: 5000,
    maxStall: 30_000,
    minConsensusInterval: 5000,
  });
  assert.ok(warnings.some((warning) => warning.includes("TestingTorNetwork")));
});

Deno.test("the options of sleep", () => {
  const all = fromTorrc(
    "DormantTimeoutEnabled 0\nDormantClientTimeout 10 minutes\nDormantOnFirstStartup 1\n" +
      "DormantTimeoutDisabledByIdleStreams 0\nDormantCanceledByStartup 1",
  ).config.dormant;
  assert.deepEqual(all, {
    enabled: false,
    timeout: 10 * MINUTE,
    idleStreamsCount: false,
    onFirstStartup: true,
    canceledByStartup: true,
  });
  assert.equal(fromTorrc(`${TESTING}DormantClientTimeout 5`).config.dormant.timeout, 5000);
});

Deno.test("what TestingTorNetwork changes can be set otherwise, before or after it", () => {
  for (
    const text of [`EnforceDistinctSubnets 1\n${TESTING}`, `${TESTING}EnforceDistinctSubnets 1`]
  ) {
    const { config } = fromTorrc(text);
    assert.equal(config.enforceDistinctSubnets, true);
    assert.equal(config.extendAllowPrivateAddresses, true);
  }
  assert.equal(
    fromTorrc(`${TESTING}TestingClientMaxIntervalWithoutRequest 2 seconds`).config.downloads
      .maxIntervalWithoutRequest,
    2000,
  );
});

Deno.test("a client's torrc of a private network gives what it says", () => {
  const { config, notices } = fromTorrc(`
    # a client of a private network
    TestingTorNetwork 1
    AssumeReachable 1
    ClientOnly 1
    Nickname client
    DataDirectory /var/lib/client   # its own
    SocksPort 127.0.0.1:9008 IsolateDestAddr
    ORPort 0
    ControlPort 0
    RunAsDaemon 0
    DisableDebuggerAttachment 0
    EnforceDistinctSubnets 0
    Log notice stdout
    Log info file /var/log/my client.log
    SafeLogging 0
    ${THREE_AUTHORITIES}
  `);
  assert.equal(config.dataDirectory, "/var/lib/client");
  assert.deepEqual(config.socksPorts.map(({ place }) => place), [
    { kind: "tcp", hostname: "127.0.0.1", port: 9008 },
  ]);
  assert.equal(config.socksPorts[0].isolation.destinationAddress, true);
  assert.equal(config.safeLogging, false);
  assert.deepEqual(config.logs, [
    { level: "notice", mostSevere: "err", sink: { kind: "stdout" } },
    { level: "info", mostSevere: "err", sink: { kind: "file", path: "/var/log/my client.log" } },
  ]);
  assert.deepEqual(config.authorities.map((authority) => authority.orPort), [5001, 5002, 5003]);
  assert.deepEqual(notices.map((notice) => /'(\w+)' is ignored/.exec(notice)?.[1]), [
    "Nickname",
    "DisableDebuggerAttachment",
  ]);
});

Deno.test("the command line replaces the file's values, of repeatable options all of them", () => {
  const file = "SocksPort 1\nSocksPort 2\nSocksTimeout 1 minute\nDataDirectory a";
  const ports = (commandLine: string) => portNumbers(fromBoth(file, commandLine).socksPorts);
  assert.deepEqual(ports(""), [1, 2]);
  assert.deepEqual(ports("SocksPort 3"), [3]);
  assert.deepEqual(ports("SocksPort 3\nSocksPort 4"), [3, 4]);
  assert.deepEqual(ports("+SocksPort 3"), [1, 2, 3]);
  assert.deepEqual(ports("+SocksPort 3\nSocksPort 4"), [1, 2, 3, 4]);
  assert.deepEqual(ports("/SocksPort"), [9050]);
  assert.deepEqual(ports("/SocksPort\nSocksPort 4"), [4]);
  assert.deepEqual(ports("SocksPort 0"), []);
  const config = fromBoth(file, "SocksTimeout 5\n/DataDirectory");
  assert.equal(config.socksTimeout, 5000);
  assert.equal(config.dataDirectory, "./chive-data");
});

Deno.test("a reset inside a file forgets the lines before it", () => {
  const ports = fromTorrc("SocksPort 1\n/SocksPort\nSocksPort 2\n+SocksPort 3").config.socksPorts;
  assert.deepEqual(portNumbers(ports), [2, 3]);
});

Deno.test("of a single value set twice in one file the last counts, with a warning", () => {
  const { config, warnings } = fromTorrc("SocksTimeout 5\nsockstimeout 6");
  assert.equal(config.socksTimeout, 6000);
  assert.ok(warnings.length === 1 && warnings[0].includes("'SocksTimeout'"));
});

const SINGLE: readonly (readonly [text: string, field: string, value: unknown])[] = [
  ["DataDirectory a b/c", "dataDirectory", "a b/c"],
  ["SocksTimeout 10 minutes", "socksTimeout", 600_000],
  ["SafeLogging 0", "safeLogging", false],
  ["SafeLogging 1", "safeLogging", true],
  ["SafeLogging Relay", "safeLogging", false],
];

for (const [text, field, value] of SINGLE) {
  Deno.test(`'${text}' sets ${field}`, () => {
    assert.deepEqual(
      Object.entries(fromTorrc(text).config).find(([name]) => name === field)?.[1],
      value,
    );
  });
}

const LOGS: readonly (readonly [text: string, level: string, mostSevere: string, sink: object])[] =
  [
    ["info", "info", "err", { kind: "stdout" }],
    ["DEBUG StdErr", "debug", "err", { kind: "stderr" }],
    ["debug-notice stdout", "debug", "notice", { kind: "stdout" }],
    ["err", "err", "err", { kind: "stdout" }],
    ["warn file /a b/c", "warn", "err", { kind: "file", path: "/a b/c" }],
    ["info-info   file x", "info", "info", { kind: "file", path: "x" }],
  ];

for (const [text, level, mostSevere, sink] of LOGS) {
  Deno.test(`'Log ${text}'`, () => {
    assert.deepEqual(fromTorrc(`Log ${text}`).config.logs, [{ level, mostSevere, sink }]);
  });
}

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["SockPort 1", "config-unknown-option", /Unknown option 'SockPort'\. Did you mean 'SocksPort'\?/],
  ["datadir x", "config-unknown-option", /Did you mean 'DataDirectory'\?/],
  ["DirAuthorities x", "config-unknown-option", /Did you mean 'DirAuthority'\?/],
  ["Frobnicate 1", "config-unknown-option", /Unknown option 'Frobnicate'\.$/],
  [`${"A".repeat(10_000)} 1`, "config-unknown-option", /'\.$/],
  ["constructor 1", "config-unknown-option", /Unknown option 'constructor'/],
  ["__proto__ 1", "config-unknown-option", /Unknown option '__proto__'/],
  ["ORPort 9001", "config-relay-only", /'ORPort'.*chive is a client/],
  ["orport 0 NoListen", "config-relay-only", /'ORPort'/],
  ["DirPort 9030", "config-relay-only", /'DirPort'/],
  ["ExitPolicy accept *:*", "config-relay-only", /'ExitPolicy'/],
  ["ExitRelay 1", "config-relay-only", /'ExitRelay'/],
  ["BridgeRelay 1", "config-relay-only", /'BridgeRelay'/],
  ["V3AuthoritativeDirectory 1", "config-relay-only", /chive is a client/],
  ["HiddenServiceDir /x", "config-unsupported", /onion services/],
  [
    "ControlPort 9051",
    "config-unsupported",
    /'ControlPort' is not supported except with the value 0/,
  ],
  ["RunAsDaemon 1", "config-unsupported", /'RunAsDaemon'/],
  ["User debian-tor", "config-unsupported", /'User' is not supported\./],
  ["PidFile x", "config-unsupported", /'PidFile'/],
  ["UseBridges 1", "config-unsupported", /'UseBridges'/],
  ["Bridge 1.2.3.4:5", "config-unsupported", /'Bridge'/],
  ["UseMicrodescriptors 0", "config-unsupported", /'UseMicrodescriptors'/],
  ["SocksPort", "config-no-value", /'SocksPort' has no value/],
  ['DataDirectory ""', "config-no-value", /'DataDirectory' has no value/],
  ["DataDirectory ~/chive", "config-bad-value", /home directory/],
  ['DataDirectory "a\\0b"', "config-bad-value", /NUL/],
  ["EnforceDistinctSubnets yes", "config-bad-value", /'yes'.*expected 0 or 1/],
  ["SocksTimeout 1 fortnight", "config-bad-value", /expected a time/],
  ["NumEntryGuards many", "config-bad-value", /whole number/],
  ["SafeLogging 2", "config-bad-value", /0, 1, relay/],
  ["ClientBootstrapConsensusMaxInProgressTries 0", "config-bad-value", /more than 0/],
  ["DormantClientTimeout 599", "config-bad-value", /at least 10 minutes/],
  ["Log", "config-no-value", /'Log'/],
  ["Log loud", "config-bad-value", /'loud'/],
  ["Log stdout", "config-bad-value", /'stdout'/],
  ["Log err-debug", "config-bad-value", /no level/],
  ["Log info-warn-err", "config-bad-value", /info-warn-err/],
  ["Log info file", "config-bad-value", /path of the file is missing/],
  ["Log info file ~/x", "config-bad-value", /home directory/],
  ["Log info stdout x", "config-bad-value", /after the level/],
  ["Log info nowhere", "config-bad-value", /after the level/],
  ["Log info syslog", "config-unsupported", /syslog/],
  ["Log [circus]debug stdout", "config-bad-value", /'circus' is no logging domain/],
  ["Log []debug stdout", "config-bad-value", /no domain between the brackets/],
  ["Log [circ", "config-bad-value", /expected LEVEL/],
  ["Log [circ] stdout", "config-bad-value", /'stdout' is not one or two of/],
  ["TestingTorNetwork 1", "config-conflict", /needs DirAuthority/],
  ["TestingDirConnectionMaxStall 10", "config-conflict", /TestingTorNetwork 1 only/],
  ["ClientDNSRejectInternalAddresses 0", "config-conflict", /public network/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.throws(() => fromTorrc(`\n${text}`), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.deepEqual(error.origin, { file: "test.torrc", line: 2 });
      return true;
    });
  });
}

Deno.test("testing values too small to work are refused in a testing network too", () => {
  for (
    const line of [
      "TestingClientMaxIntervalWithoutRequest 0",
      "TestingDirConnectionMaxStall 4 seconds",
    ]
  ) {
    assert.throws(() => fromTorrc(`${TESTING}${line}`), { code: "config-bad-value" });
  }
});

Deno.test("an option of C tor's that asks for what chive does anyway is accepted in silence", () => {
  const { notices, warnings } = fromTorrc(`
    ORPort 0
    DirPort 0
    ExitPolicy reject *:*
    ExitRelay 0
    ControlPort 0
    UseMicrodescriptors auto
    UseBridges 0
    StrictNodes 0
    RunAsDaemon 0
    TransProxyType Default
    /Bridge
  `);
  assert.deepEqual([notices, warnings], [[], []]);
});

Deno.test("an option that C tor itself skips is skipped with a warning", () => {
  const { warnings } = fromTorrc("WarnUnsafeSocks 1");
  assert.ok(warnings.length === 1 && warnings[0].includes("'WarnUnsafeSocks' is obsolete"));
});

Deno.test("a Config is frozen to its leaves", () => {
  const { config } = fromTorrc(`NodeFamily a,b\n${THREE_AUTHORITIES}`);
  const unfrozen: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) unfrozen.push(path);
    for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
  };
  visit(config, "config");
  assert.deepEqual(unfrozen, []);
  assert.throws(() => Object.assign(config.socksPorts[0], { port: 1 }), TypeError);
});

Deno.test("whatever a torrc contains, nothing but a ConfigError is thrown", () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...OPTION_NAMES,
      "ORPort",
      "%include",
      "0",
      "1",
      "auto",
      "127.0.0.1:9050",
      "[::1]:1",
      "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333",
      "orport=1",
      "id=",
      "ipv6=[::",
      "SessionGroup=",
      "notice",
      "file",
      "10",
      "minutes",
      "{de}",
      "192.0.2.0/24",
      "[2001:db8::]/32",
      "*:",
      "-1",
      "0.5",
    ),
    fc.string({ maxLength: 8 }),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const glue = fc.constantFrom(
    " ",
    " ",
    "\n",
    "\n",
    "\\\n",
    '"',
    "#",
    "+",
    "/",
    "\r\n",
    ",",
    "=",
    "",
  );
  const text = fc.array(fc.tuple(word, glue), { maxLength: 30 }).map((parts) =>
    parts.flat().join("")
  );
  let accepted = 0;
  fc.assert(
    fc.property(text, (torrc) => {
      try {
        assert.ok(Object.isFrozen(fromTorrc(torrc).config));
        accepted++;
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
  assert.ok(accepted > 20, `${accepted}`);
});
