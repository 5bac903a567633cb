/** Each option wrong in three ways, as a line of a file: the message names the line, the exit code is 2. */
import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { ConfigError } from "../../src/config/errors.ts";
import type { ValueKind } from "../../src/config/option_facts.ts";
import { OPTION_NAMES, optionFacts, type OptionName } from "../../src/config/options.ts";
import { THREE_AUTHORITIES } from "../config/source.ts";

/** A value of another type, one out of range, and nonsense. */
type WrongValues = readonly [type: string, range: string, garbage: string];

const LONG = "9".repeat(400);

/** What is wrong for every option of a kind; those left out take any text, or text of their own. */
const BY_KIND: Readonly<Partial<Record<ValueKind, WrongValues>>> = {
  "boolean": ["yes", "2", "0 0"],
  "auto-boolean": ["yes", "-1", "auto auto"],
  "interval": ["soon", "-1 second", "10 parsecs"],
  "precise-interval": ["soon", "-5 msec", "1.2.3 seconds"],
  "first-interval": ["soon", `${LONG} weeks`, "ten, 20"],
  "count": ["many", "2147483648", "0x10"],
  "count-or-network": ["many", "-2147483649", "1 2"],
  "fraction": ["half", "--1", "1/2"],
  "decimal": ["double", "-1", "2,5"],
  "ports": ["http", "65536", "80;443"],
  "choice": ["[]", "17", "0|1"],
  "memory": ["lots", "-1 KByte", "5 acres"],
  "path": ["~/chive", "~", "~other/x"],
  "file": ["~/geoip", "~", "~other/x"],
};

const NODES: WrongValues = ["!", "{deu}", "$ABC"];
const PORT: WrongValues = ["here", "70000", "127.0.0.1:9050 IsolateNothing"];
const SERVER: WrongValues = ["127.0.0.1:9", "a 127.0.0.1:99999 " + "A".repeat(40), "x y z"];

/** Of options whose text has a form of its own. */
const BY_NAME: Readonly<Partial<Record<OptionName, WrongValues>>> = {
  Log: ["1", "notice-debug stdout", "notice nowhere"],
  SocksPort: PORT,
  HTTPTunnelPort: PORT,
  DNSPort: PORT,
  MetricsPort: ["here", "70000", "9035 xml"],
  MetricsPortPolicy: ["127.0.0.1", "accept 127.0.0.1/33", "perhaps *"],
  MetricsPortHosts: ["a b", `${"a".repeat(300)}`, "http://a/"],
  SocksPolicy: ["127.0.0.1", "accept 127.0.0.1/33", "perhaps *"],
  MapAddress: ["one", "a.example b..example/", "*a.example *.b.example"],
  VirtualAddrNetworkIPv4: ["here", "10.0.0.0/24", "10.0.0.0/x"],
  VirtualAddrNetworkIPv6: ["here", "[FE80::]/105", "[FE80::/10"],
  ExcludeNodes: NODES,
  ExcludeExitNodes: NODES,
  EntryNodes: NODES,
  MiddleNodes: NODES,
  ExitNodes: NODES,
  NodeFamily: NODES,
  DirAuthority: SERVER,
  FallbackDir: ["127.0.0.1:9", `1.2.3.4 orport=99999 id=${"A".repeat(40)}`, "x y z"],
};

/** Numbers that are understood, and that only the option itself refuses. */
const OUT_OF_RANGE: Readonly<Partial<Record<OptionName, readonly string[]>>> = {
  ConnectBackoffMultiplier: ["0.5"],
  ConnectBackoffJitter: ["1.5"],
  DormantClientTimeout: ["9 minutes"],
  LogMaxSize: ["1 KByte"],
  LogFiles: ["1000"],
  MaxClientCircuitsPending: ["0", "1025"],
  MaxOpenChannels: ["0"],
  PathBiasNoticeRate: ["1.1"],
};

/** Whatever they say is the end of some name: C tor takes any text too. */
const ANY_TEXT: readonly OptionName[] = ["AutomapHostsSuffixes"];

/** What the option is refused with. */
function refusal(name: OptionName, value: string): ConfigError | undefined {
  const testing = optionFacts(name).testingOnly ? `TestingTorNetwork 1${THREE_AUTHORITIES}` : "";
  const text = `# first\n\n${name} ${value}\n${testing}`;
  try {
    parseCommandLine(["-f", "torrc"], () => text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
}

for (const name of OPTION_NAMES) {
  const { kind } = optionFacts(name);
  if (!ANY_TEXT.includes(name)) {
    Deno.test(`${name} is refused where it is wrong, in three ways`, () => {
      const values = BY_NAME[name] ?? BY_KIND[kind];
      assert.ok(values !== undefined, `no wrong values are given for ${name}, a ${kind}`);
      for (const value of [...values, ...OUT_OF_RANGE[name] ?? []]) {
        const error = refusal(name, value);
        assert.ok(error !== undefined, `${name} ${value} is accepted`);
        assert.match(error.message, /^torrc, line 3: /);
        assert.ok(error.message.includes(name), error.message);
        assert.equal(error.exitCode, 2);
        assert.doesNotMatch(error.message, /\n/);
      }
    });
  }

  Deno.test(`${name} without a value is refused`, () => {
    const error = refusal(name, "");
    assert.equal(error?.code, "config-no-value");
    assert.match(error.message, /^torrc, line 3: /);
  });

  Deno.test(`${name}, misspelt, is an unknown option near to it`, () => {
    assert.throws(
      () => parseCommandLine(["-f", "torrc"], () => `\n${name.slice(0, -1)}q 1`),
      (error) =>
        error instanceof ConfigError && error.code === "config-unknown-option" &&
        error.message.startsWith("torrc, line 2: ") && error.message.includes("Did you mean"),
    );
  });
}
