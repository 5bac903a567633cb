/** The one list of permissions, and that whatever is started or built gets it. */
import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { compileArguments, launchArguments } from "../../scripts/compile_command.ts";
import {
  permissionFlags,
  permissionSet,
  START_FLAGS,
  startFlags,
} from "../../scripts/start_flags.ts";

Deno.test("what is permitted is the network, one folder, one file and two variables", () => {
  assert.deepEqual(project.permissions.default, {
    net: true,
    read: ["./chive-data", "./torrc"],
    write: ["./chive-data"],
    env: ["JEST_WORKER_ID", "UNDICI_NO_WASM_SIMD"],
    sys: { deny: true },
    run: { deny: true },
    ffi: { deny: true },
    import: { deny: true },
  });
});

Deno.test("the set becomes flags, one for each of its kinds", () => {
  assert.deepEqual(permissionFlags(), [
    "--allow-net",
    "--allow-read=./chive-data,./torrc",
    "--allow-write=./chive-data",
    "--allow-env=JEST_WORKER_ID,UNDICI_NO_WASM_SIMD",
    "--deny-sys",
    "--deny-run",
    "--deny-ffi",
    "--deny-import",
  ]);
});

Deno.test("grants take the places of the folder and the file, and add to what is permitted", () => {
  const flags = permissionFlags({
    dataDirectory: "/var/lib/chive",
    torrc: "/etc/chive/torrc",
    read: ["/usr/share/tor/geoip"],
    write: ["/var/log/chive"],
    env: ["EXTRA"],
    sys: true,
  });
  assert.deepEqual(flags.slice(1, 5), [
    "--allow-read=/var/lib/chive,/etc/chive/torrc,/usr/share/tor/geoip",
    "--allow-write=/var/lib/chive,/var/log/chive",
    "--allow-env=JEST_WORKER_ID,UNDICI_NO_WASM_SIMD,EXTRA",
    "--allow-sys",
  ]);
  assert.deepEqual(permissionFlags({ torrc: null })[1], "--allow-read=./chive-data");
});

Deno.test("a list that is empty permits nothing, where a flag without one would permit all", () => {
  const set = permissionSet({ read: ["./torrc"], env: [] });
  assert.deepEqual(permissionFlags({ torrc: null }, set), ["--deny-read", "--deny-env"]);
});

Deno.test("paths that a flag cannot name are refused, as they would permit other ones", () => {
  for (const dataDirectory of ["a,b", "", ","]) {
    assert.throws(() => permissionFlags({ dataDirectory }), TypeError);
  }
});

Deno.test("forms of sets that were not thought of are refused", () => {
  for (const form of [false, null, "all", { allow: ["x"] }, { deny: ["x"] }, [1]]) {
    assert.throws(() => permissionSet({ run: form }), /no flag was written for/);
  }
});

Deno.test("deno task start takes the set by its name, and names no permission itself", () => {
  const words = project.tasks.start.command.split(" ");
  assert.ok(words.includes("--permission-set"));
  assert.deepEqual(words.filter((word) => /^--(allow|deny)-|^-[A-Z]/.test(word)), []);
  assert.ok(words.includes("--no-prompt"));
  const certificates = words.filter((word) => word.startsWith("--unsafely"));
  assert.deepEqual(certificates, ["--unsafely-ignore-certificate-errors=192.0.2.1"]);
});

Deno.test("executables, archives and tests get the flags of the task and the permissions of the set", () => {
  const expected = [...START_FLAGS, ...permissionFlags()];
  const lists = [
    startFlags(),
    compileArguments("x86_64-unknown-linux-gnu", "/out/chive", {}),
    launchArguments({}),
  ];
  for (const flags of lists) {
    const given = flags.filter((flag) =>
      START_FLAGS.includes(flag) || /^--(allow|deny|ignore|unsafely)|^-[A-Z]/.test(flag)
    );
    assert.deepEqual(given, expected);
  }
});
