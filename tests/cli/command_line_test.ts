import assert from "node:assert/strict";
import fc from "fast-check";
import { type CommandLine, parseCommandLine } from "../../src/cli/command_line.ts";
import { ConfigError } from "../../src/config/errors.ts";

const FILES = new Map([
  ["client.torrc", "SocksPort 1\nSocksPort 2\nDataDirectory from-file\nLog info stderr\n"],
  ["bad.torrc", "\nSockPort 1\n"],
  ["empty", ""],
]);

function readFile(path: string): string {
  const text = FILES.get(path);
  if (text === undefined) throw new Deno.errors.NotFound(`No such file: ${path}`);
  return text;
}

function parse(...args: string[]): CommandLine {
  return parseCommandLine(args, readFile);
}

/** What the options under test come to. */
function summary(result: CommandLine): object {
  assert.ok(result.kind === "run" || result.kind === "verify");
  const { dataDirectory, socksPorts, logs } = result.config;
  return {
    directory: dataDirectory,
    ports: socksPorts.map(({ place }) => place.kind === "tcp" ? place.port : place.path),
    logs: logs.map(({ level, sink }) => `${level} ${sink.kind}`),
  };
}

const DEFAULTS = { directory: "./chive-data", ports: [9050], logs: ["notice stdout"] };
const FROM_FILE = { directory: "from-file", ports: [1, 2], logs: ["info stderr"] };

const RUN: readonly (readonly [args: string, expected: object])[] = [
  ["", DEFAULTS],
  ["run", DEFAULTS],
  ["run --SocksPort 5", { ...DEFAULTS, ports: [5] }],
  ["SocksPort 5", { ...DEFAULTS, ports: [5] }],
  ["-SocksPort 5", { ...DEFAULTS, ports: [5] }],
  ["--socksPORT 5 --socks-port 6", { ...DEFAULTS, ports: [5, 6] }],
  ["--socks-port=auto", { ...DEFAULTS, ports: [0] }],
  ["--SocksPort=7", { ...DEFAULTS, ports: [7] }],
  ["--data-dir here --log-level debug", {
    ...DEFAULTS,
    directory: "here",
    logs: ["debug stdout"],
  }],
  ["--data-dir=a=b", { ...DEFAULTS, directory: "a=b" }],
  ["-l debug", { ...DEFAULTS, logs: ["debug stdout"] }],
  ["-f client.torrc", FROM_FILE],
  ["--config client.torrc", FROM_FILE],
  ["--config=client.torrc", FROM_FILE],
  ["--torrc-file client.torrc", FROM_FILE],
  ["SocksPort 5 -f client.torrc", { ...FROM_FILE, ports: [5] }],
  ["-f client.torrc +SocksPort 5", { ...FROM_FILE, ports: [1, 2, 5] }],
  ["-f client.torrc --+SocksPort 5", { ...FROM_FILE, ports: [1, 2, 5] }],
  ["-f client.torrc /SocksPort --/DataDirectory --data-dir x", {
    ...FROM_FILE,
    ports: [9050],
    directory: "x",
  }],
  ["-f client.torrc --log-level warn", { ...FROM_FILE, logs: ["warn stdout"] }],
  ["--ignore-missing-torrc -f missing", DEFAULTS],
  ["-f missing --allow-missing-torrc", DEFAULTS],
  ["-f empty", DEFAULTS],
  ["--hush", { ...DEFAULTS, logs: ["warn stdout"] }],
  ["--quiet", { ...DEFAULTS, logs: [] }],
  ["--quiet --hush", { ...DEFAULTS, logs: [] }],
  ["--quiet -f client.torrc", FROM_FILE],
  ["--ClientOnly 0 ORPort 0 ContactInfo me", DEFAULTS],
];

for (const [args, expected] of RUN) {
  Deno.test(`arguments '${args}'`, () => {
    const result = parse(...args.split(" ").filter((arg) => arg !== ""));
    assert.equal(result.kind, "run");
    assert.deepEqual(summary(result), expected);
  });
}

Deno.test("an argument is one value, whatever it contains", () => {
  const result = parse("--Log", 'debug file a b # c "d"', "--DataDirectory", "run");
  assert.ok(result.kind === "run");
  assert.deepEqual(result.config.logs[0].sink, { kind: "file", path: 'a b # c "d"' });
  assert.equal(result.config.dataDirectory, "run");
});

Deno.test("--verify-config reads everything and says so", () => {
  const result = parse("--verify-config", "-f", "client.torrc");
  assert.equal(result.kind, "verify");
  assert.deepEqual(summary(result), FROM_FILE);
});

const OTHER_COMMANDS: readonly (readonly [args: string, name: string, rest: readonly string[]])[] =
  [
    ["import-state state", "import-state", ["state"]],
    ["status", "status", []],
    ["check -f missing --Nonsense", "check", ["-f", "missing", "--Nonsense"]],
    ["fetch --help", "fetch", ["--help"]],
  ];

for (const [args, name, rest] of OTHER_COMMANDS) {
  Deno.test(`arguments '${args}' are left to ${name}`, () => {
    assert.deepEqual(parse(...args.split(" ")), { kind: "command", name, args: rest });
  });
}

Deno.test("--no-tty asks for plain lines", () => {
  const [plain, usual] = [parse("--no-tty"), parse()];
  assert.ok(plain.kind === "run" && !plain.tty);
  assert.ok(usual.kind === "run" && usual.tty);
});

Deno.test("the lines of each source are kept, to be compared with later ones", () => {
  const result = parse("-f", "client.torrc", "--SocksPort", "5");
  assert.ok(result.kind === "run");
  assert.deepEqual(
    result.sources.map((lines) => lines.map(({ name, value }) => `${name} ${value}`)),
    [
      ["SocksPort 1", "SocksPort 2", "DataDirectory from-file", "Log info stderr"],
      ["SocksPort 5"],
    ],
  );
});

const IMMEDIATE: readonly (readonly [args: string, expected: CommandLine])[] = [
  ["--help", { kind: "help" }],
  ["-h", { kind: "help" }],
  ["help", { kind: "help" }],
  ["help --quiet", { kind: "help" }],
  ["help fetch", { kind: "help", command: "fetch" }],
  ["help run", { kind: "help", command: "run" }],
  ["run --help", { kind: "help", command: "run" }],
  ["SocksPort 5 --help", { kind: "help" }],
  ["-f missing --help", { kind: "help" }],
  ["--version", { kind: "version" }],
  ["SocksPort nonsense --version", { kind: "version" }],
];

for (const [args, expected] of IMMEDIATE) {
  Deno.test(`arguments '${args}' ask for ${expected.kind} alone`, () => {
    assert.deepEqual(parse(...args.split(" ")), expected);
  });
}

const REFUSED: readonly (readonly [args: string, code: string, says: RegExp])[] = [
  [
    "SockPort 1",
    "config-unknown-option",
    /^command line: Unknown option 'SockPort'\. Did you mean 'SocksPort'\?$/,
  ],
  ["--SockPort 1", "config-unknown-option", /Did you mean '--SocksPort'\?/],
  ["--sock-port 1", "config-unknown-option", /Did you mean '--socks-port'\?/],
  ["--data-dri=x", "config-unknown-option", /'--data-dri'\. Did you mean '--data-dir'\?/],
  ["--hepl", "config-unknown-option", /Did you mean '--help'\?/],
  ["--confg x", "config-unknown-option", /Did you mean '--config'\?/],
  ["--frobnicate", "config-unknown-option", /'--frobnicate'\.$/],
  ["-x", "config-unknown-option", /'-x'\.$/],
  ["SocksPort 1 run", "config-unknown-option", /'run' must stand before all options/],
  ["SocksPort=1", "config-unknown-option", /'SocksPort=1'/],
  ["--SocksPort", "config-no-value", /'--SocksPort' has no value/],
  ["--socks-port=", "config-no-value", /'--socks-port' has no value/],
  ["-f", "config-no-value", /'-f' has no value/],
  ["--quiet=1", "config-bad-value", /'--quiet' takes no value/],
  ["--ORPort 9001", "config-relay-only", /chive is a client/],
  ["ControlPort 9051", "config-unsupported", /ControlPort/],
  ["--defaults-torrc x", "config-unsupported", /--defaults-torrc/],
  ["--list-fingerprint", "config-unsupported", /--list-fingerprint/],
  ["-f missing", "config-unreadable", /'missing': No such file/],
  ["-f -", "config-unsupported", /standard input/],
  ["-f bad.torrc", "config-unknown-option", /^bad\.torrc, line 2: Unknown option 'SockPort'/],
  ["--replace", "config-conflict", /'--replace' goes with import-state only/],
  ["run --json", "config-conflict", /'--json' goes with status only/],
  ["--data-dir x import-state a", "config-unknown-option", /'import-state' must stand before/],
  ["help frobnicate", "config-unknown-option", /no command 'frobnicate': run, fetch, /],
  ["help fetch status", "config-unknown-option", /one command, not 'status'/],
  ["--no-tty=1", "config-bad-value", /'--no-tty' takes no value/],
  ["--SocksPort 70000", "config-bad-value", /^command line: SocksPort '70000'/],
];

for (const [args, code, says] of REFUSED) {
  Deno.test(`refused arguments '${args}'`, () => {
    assert.throws(() => parse(...args.split(" ")), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.equal(error.exitCode, 2);
      return true;
    });
  });
}

Deno.test("a file that is there but cannot be read is an error all the same", () => {
  const denied = () => {
    throw new Deno.errors.PermissionDenied("not yours");
  };
  assert.throws(
    () => parseCommandLine(["--ignore-missing-torrc", "-f", "x"], denied),
    (error) => error instanceof ConfigError && /'x': not yours/.test(error.message),
  );
});

Deno.test("without -f, torrc of the current folder is read, and that is told", () => {
  const result = parseCommandLine(["SocksPort", "5"], (path) => {
    assert.equal(path, "torrc");
    return "SocksPort 1\nDataDirectory from-file\n";
  });
  assert.deepEqual(summary(result), { ...DEFAULTS, directory: "from-file", ports: [5] });
  assert.ok(result.kind === "run");
  assert.deepEqual(result.notices, ["Options are read from ./torrc."]);
  assert.deepEqual(result.sources.map((lines) => lines.length), [2, 1]);
});

Deno.test("torrc of the current folder need not be there, and not be permitted", () => {
  for (const problem of [Deno.errors.NotFound, Deno.errors.NotCapable]) {
    const result = parseCommandLine([], () => {
      throw new problem("none");
    });
    assert.deepEqual(summary(result), DEFAULTS);
    assert.ok(result.kind === "run" && result.notices.length === 0);
  }
});

Deno.test("torrc of the current folder that is wrong, or cannot be read, is an error", () => {
  assert.throws(() => parseCommandLine([], () => "SockPort 1"), {
    code: "config-unknown-option",
    message: /^torrc, line 1: /,
  });
  const denied = () => {
    throw new Deno.errors.PermissionDenied("not yours");
  };
  assert.throws(() => parseCommandLine([], denied), { code: "config-unreadable" });
});

Deno.test("a misspelt command is told the nearest one", () => {
  assert.throws(() => parseCommandLine(["stauts"], readFile), {
    message: /Unknown option 'stauts'. Did you mean 'status'\?/,
  });
});

Deno.test("a file that Deno may not read is an error that names the flag", () => {
  const denied = () => {
    throw new Deno.errors.NotCapable("no");
  };
  assert.throws(() => parseCommandLine(["-f", "/etc/tor/torrc"], denied), (error) => {
    assert.ok(error instanceof ConfigError && error.code === "config-unreadable");
    assert.match(error.message, / --allow-read=\/etc\/tor\/torrc /);
    return true;
  });
});

Deno.test("of two files the last is read, with a warning", () => {
  const result = parse("-f", "empty", "-f", "client.torrc");
  assert.deepEqual(summary(result), FROM_FILE);
  assert.ok(result.kind === "run" && result.warnings.length === 1);
});

Deno.test("whatever the arguments are, nothing but a ConfigError is thrown", () => {
  const arg = fc.oneof(
    fc.constantFrom(
      ...["-f", "client.torrc", "--SocksPort", "SocksPort", "/Log", "+Log", "--", "-", "=", "--="],
      ...[
        "info",
        "9050",
        "--log-level=info",
        "--quiet",
        "run",
        "import-state",
        "--replace",
        "ORPort",
        "0",
        "",
      ],
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(arg, { maxLength: 8 }), (args) => {
      try {
        parse(...args);
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});
