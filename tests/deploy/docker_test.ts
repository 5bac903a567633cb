import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { isAccepted } from "../../src/config/access_policy.ts";
import { readBuildRequest } from "../../scripts/build_request.ts";
import { permissionFlags } from "../../scripts/start_flags.ts";
import project from "../../deno.json" with { type: "json" };
import {
  at,
  DATA_FOLDER,
  listAt,
  metricsPortOf,
  readText,
  readTorrc,
  readYaml,
  socksPortOf,
} from "./deploy_files.ts";

/** The instructions of the Dockerfile, with continued lines joined and without comments. */
const INSTRUCTIONS = readText("docker/Dockerfile")
  .split("\n").filter((line) => !line.startsWith("#")).join("\n")
  .replaceAll(/\\\n\s*/g, "").split("\n").filter((line) => line !== "")
  .map((line) => {
    const [, name, value] = /^([A-Z]+) +(.+)$/.exec(line) ?? [];
    assert.ok(value, `a line of the Dockerfile is no instruction: ${line}`);
    return { name, value };
  });

/** Those of the last stage, which are in force in a container. */
const LAST_STAGE = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex(({ name }) => name === "FROM"));

function only(name: string): string {
  const found = LAST_STAGE.filter((instruction) => instruction.name === name);
  assert.equal(found.length, 1, name);
  return found[0].value;
}

/** The JSON list that an instruction has, so that no shell is needed. */
function listOf(name: string): unknown {
  return JSON.parse(only(name).replace(/^.*?(?=\[)/, ""));
}

const [ENTRY] = listAt(listOf("ENTRYPOINT"));
const HEALTHCHECK = listOf("HEALTHCHECK");
const VERSION_TAG = `chive:${project.version}`;
const COMPOSE = readYaml("docker/compose.yaml");
const SERVICE = at(COMPOSE, 0, "services", "chive");

Deno.test("Dockerfile: the images are of exact versions, and Deno is the one of the project", async () => {
  const images = INSTRUCTIONS.filter(({ name }) => name === "ARG")
    .flatMap(({ value }) => /_IMAGE=(.*)$/.exec(value)?.[1] ?? []);
  const ci = await Deno.readTextFile(new URL("../../.ci/run", import.meta.url));
  const version = /^deno_version=(\S+)$/m.exec(ci)?.[1];
  assert.deepEqual(images, [
    `denoland/deno:debian-${version}`,
    "gcr.io/distroless/cc-debian12:nonroot",
  ]);
  const stages = INSTRUCTIONS.filter(({ name }) => name === "FROM");
  assert.equal(stages.length, 2);
  for (const { value } of stages) assert.match(value, /\$\{(DENO|BASE)_IMAGE\}/);
});

Deno.test("Dockerfile: the executables are built by the task that there is, for targets that there are", () => {
  const [build] = INSTRUCTIONS.filter(({ name }) => name === "RUN").map(({ value }) => value);
  const [, task, rest] = /deno task (\w+) ([^&]*) &&/.exec(build) ?? [];
  assert.ok(task !== undefined && Object.hasOwn(project.tasks, task), `there is no task ${task}`);
  const targets = [...build.matchAll(/ target=(\S+) ;;/g)].map(([, target]) => target);
  assert.equal(targets.length, 2);
  for (const target of targets) {
    const args = rest.replace('"$target"', target).split(" ");
    const request = readBuildRequest(args, "x86_64-unknown-linux-gnu");
    // The permissions are those of every executable: no folder of its own is baked in.
    assert.deepEqual([request?.targets, request?.portable], [[target], false]);
    assert.deepEqual(permissionFlags(request?.grants), permissionFlags());
    const installed = ` ${request?.output}/chive-*-"$target" /image${ENTRY} `;
    assert.ok(build.includes(installed), installed);
  }
});

Deno.test("Dockerfile: what it copies is not ignored", () => {
  const kept = readText("docker/Dockerfile.dockerignore").split("\n")
    .flatMap((line) => line.startsWith("!") ? line.slice(1) : []);
  for (const name of kept) Deno.statSync(new URL(`../../${name}`, import.meta.url));
  for (const needed of ["deno.json", "deno.lock", "main.ts", "src", "scripts"]) {
    assert.ok(kept.includes(needed), needed);
  }
  const [build] = INSTRUCTIONS.filter(({ name }) => name === "RUN").map(({ value }) => value);
  for (const [, file] of build.matchAll(/ (deploy\/\S+)/g)) assert.ok(kept.includes(file), file);
});

Deno.test("Dockerfile: a user without rights, the data as the volume, the SOCKS port alone", () => {
  assert.match(only("USER"), /^[1-9]\d{3,}:[1-9]\d{3,}$/);
  const data = `${only("WORKDIR")}/${DATA_FOLDER}`;
  assert.deepEqual(listOf("VOLUME"), [data]);
  const owned = `--chown=${only("USER")} /${DATA_FOLDER} ${data}`;
  assert.ok(LAST_STAGE.some(({ name, value }) => name === "COPY" && value.endsWith(owned)));
  assert.equal(only("EXPOSE"), String(socksPortOf("docker/torrc").port));
  assert.ok(
    INSTRUCTIONS.some(({ name, value }) =>
      name === "RUN" && value.includes(` /image${only("WORKDIR")}/torrc `)
    ),
  );
});

Deno.test("Dockerfile: the health check is a command, and asks the port of the configuration", () => {
  assert.deepEqual(HEALTHCHECK, [ENTRY, "status"]);
  const parsed = parseCommandLine(listAt(HEALTHCHECK).slice(1).map(String), Deno.readTextFileSync);
  assert.ok(parsed.kind === "command" && parsed.name === "status");
  const { hostname, port } = metricsPortOf("docker/torrc");
  assert.equal(hostname, "127.0.0.1");
  assert.ok(port > 0);
});

Deno.test("the container's ports serve private networks and no others", () => {
  const { doors } = readTorrc("docker/torrc");
  assert.equal(socksPortOf("docker/torrc").hostname, "0.0.0.0");
  assert.equal(isAccepted(doors.policy, "172.17.0.1"), true);
  assert.equal(isAccepted(doors.policy, "127.0.0.1"), true);
  assert.equal(isAccepted(doors.policy, "203.0.113.1"), false);
});

Deno.test("compose.yaml: the image of this version, as the Dockerfile has it", () => {
  assert.equal(COMPOSE.length, 1);
  assert.equal(at(SERVICE, "image"), VERSION_TAG);
  assert.ok(readText("docker/Dockerfile").includes(`--tag ${VERSION_TAG} `));
  const context = new URL(
    `../../deploy/docker/${at(SERVICE, "build", "context")}/`,
    import.meta.url,
  );
  assert.ok(Deno.statSync(new URL(String(at(SERVICE, "build", "dockerfile")), context)).isFile);
  assert.equal(at(SERVICE, "user"), only("USER"));
  assert.deepEqual(at(SERVICE, "healthcheck", "test"), ["CMD", ...listAt(HEALTHCHECK)]);
  for (const name of ["interval", "timeout", "retries"]) {
    assert.match(only("HEALTHCHECK"), new RegExp(`--${name}=${at(SERVICE, "healthcheck", name)} `));
  }
});

Deno.test("compose.yaml: confined, and reached from this machine alone", () => {
  const { port } = socksPortOf("docker/torrc");
  assert.deepEqual(at(SERVICE, "ports"), [`127.0.0.1:${port}:${port}`]);
  assert.equal(at(SERVICE, "read_only"), true);
  assert.deepEqual(at(SERVICE, "cap_drop"), ["ALL"]);
  assert.deepEqual(at(SERVICE, "security_opt"), ["no-new-privileges:true"]);
  const [volume, ...more] = listAt(SERVICE, "volumes");
  assert.deepEqual(more, []);
  const [name, path] = String(volume).split(":");
  assert.deepEqual([path], listOf("VOLUME"));
  assert.deepEqual(Object.keys(Object(at(COMPOSE, 0, "volumes"))), [name]);
  const rights = ["privileged", "cap_add", "network_mode", "pid", "devices", "tmpfs"];
  assert.deepEqual(rights.filter((key) => Object.hasOwn(Object(SERVICE), key)), []);
});
