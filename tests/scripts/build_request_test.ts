import assert from "node:assert/strict";
import { BadRequest, readBuildRequest, USAGE } from "../../scripts/build_request.ts";
import { BUILD_TARGETS, isProgramOf, isTargetName } from "../../scripts/build_targets.ts";

const HOST = "x86_64-unknown-linux-gnu";
const NO_GRANTS = { read: [], write: [], env: [], sys: false };

function read(...args: string[]) {
  return readBuildRequest(args, HOST);
}

Deno.test("without arguments an executable is built for this machine", () => {
  assert.deepEqual(read(), {
    targets: [HOST],
    portable: false,
    output: "build",
    grants: NO_GRANTS,
  });
});

Deno.test("arguments become what is to be built, each target once", () => {
  const targets = ["--target", "x86_64-pc-windows-msvc", "--target=aarch64-apple-darwin"];
  assert.deepEqual(read(...targets, ...targets)?.targets, [
    "x86_64-pc-windows-msvc",
    "aarch64-apple-darwin",
  ]);
  const grants = read("--data-dir=/d", "--allow-read=/r", "--allow-write=/w", "--allow-sys")
    ?.grants;
  assert.deepEqual(grants, {
    dataDirectory: "/d",
    read: ["/r"],
    write: ["/w"],
    env: [],
    sys: true,
  });
  assert.equal(read("--portable", "--deno", "x", "--target", "aarch64-apple-darwin")?.deno, "x");
});

Deno.test("help is asked for, and names every target and option", () => {
  assert.equal(read("--help"), undefined);
  for (const name of Object.keys(BUILD_TARGETS)) assert.ok(USAGE.includes(name), name);
  for (const name of ["--data-dir", "--portable", "--deno", "--output", "DENORT_BIN"]) {
    assert.ok(USAGE.includes(name), name);
  }
});

const WRONG: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [["--target", "riscv64"], /no target 'riscv64'/],
  [["--unknown"], /--unknown/],
  [["operand"], /operand/],
  [["--target"], /--target/],
  [["--deno", "x"], /--portable/],
  [["--portable", "--deno", "x", "--target", HOST, "--target", "aarch64-apple-darwin"], /one/],
  [["--portable", "--target", "aarch64-apple-darwin"], /--deno/],
];

for (const [args, says] of WRONG) {
  Deno.test(`refused: ${args.join(" ")}`, () => {
    assert.throws(() => read(...args), (error) => {
      assert.ok(error instanceof BadRequest);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("programs are told apart by how they begin", () => {
  const heads = {
    "x86_64-unknown-linux-gnu": "7f454c46020101000000000000000000" + "03003e00",
    "aarch64-unknown-linux-gnu": "7f454c46020101000000000000000000" + "0300b700",
    "x86_64-apple-darwin": "cffaedfe07000001" + "030000000200000000000000",
    "aarch64-apple-darwin": "cffaedfe0c000001" + "000000000200000000000000",
    "x86_64-pc-windows-msvc": "4d5a9000030000000400000000000000" + "ffff0000",
  };
  for (const [of, hex] of Object.entries(heads)) {
    for (const name of Object.keys(BUILD_TARGETS).filter(isTargetName)) {
      assert.equal(isProgramOf(name, Uint8Array.fromHex(hex)), name === of, `${of} as ${name}`);
    }
  }
});
