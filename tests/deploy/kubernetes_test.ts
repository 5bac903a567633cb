import assert from "node:assert/strict";
import { isAccepted } from "../../src/config/access_policy.ts";
import { answer, type WatchedClient } from "../../src/monitor/answers.ts";
import project from "../../deno.json" with { type: "json" };
import {
  at,
  DEPLOY,
  listAt,
  metricsPortOf,
  readText,
  readTorrc,
  readYaml,
  socksPortOf,
} from "./deploy_files.ts";
import { hasTool, runTool } from "./installed_tool.ts";

const BASE = "kubernetes/base";
const MONITORED = "kubernetes/with-prometheus";
const TORRC = `${BASE}/torrc`;

function one(path: string): unknown {
  const documents = readYaml(path);
  assert.equal(documents.length, 1, path);
  return documents[0];
}

const STATEFUL_SET = one(`${BASE}/statefulset.yaml`);
const SERVICE = one(`${BASE}/service.yaml`);
const POLICY = one(`${BASE}/networkpolicy.yaml`);
const POD_MONITOR = one(`${MONITORED}/podmonitor.yaml`);
const POD = at(STATEFUL_SET, "spec", "template", "spec");
const CONTAINER = at(POD, "containers", 0);
const LABELS = at(STATEFUL_SET, "spec", "template", "metadata", "labels");
const PORTS = new Map(
  listAt(CONTAINER, "ports").map((port) => [at(port, "name"), at(port, "containerPort")]),
);

/** A client that is asked for nothing but whether it is ready. */
const WATCHED: WatchedClient = {
  metrics: { text: () => Promise.resolve("# metrics\n"), contentType: "text/plain" },
  status: () => {
    throw new Error("the client is starting");
  },
};

function ask(path: string, from: string, host: string, watched?: WatchedClient): Promise<Response> {
  const request = new Request(`http://${host}${path}`, { headers: { host } });
  return answer(request, from, { options: readTorrc(TORRC).metrics, watched });
}

for (const folder of [BASE, MONITORED]) {
  Deno.test(`${folder}: every file is used, and every resource is there`, () => {
    const kustomization = one(`${folder}/kustomization.yaml`);
    const named = listAt(kustomization, "resources").map(String)
      .filter((name) => !name.startsWith("../"));
    const files = folder === BASE
      ? listAt(kustomization, "configMapGenerator", 0, "files").map(String)
      : [];
    const there = [...Deno.readDirSync(DEPLOY + folder)].map(({ name }) => name)
      .filter((name) => name !== "kustomization.yaml");
    assert.deepEqual(there.toSorted(), [...named, ...files].toSorted());
    for (const name of named) {
      for (const resource of readYaml(`${folder}/${name}`)) {
        assert.match(String(at(resource, "apiVersion")), /^([a-z.0-9]+\/)?v1$/);
        assert.match(String(at(resource, "kind")), /^[A-Z][A-Za-z]+$/);
        assert.equal(at(resource, "metadata", "name"), "chive");
      }
    }
  });
}

Deno.test("the image is that of this version", () => {
  assert.equal(at(CONTAINER, "image"), `chive:${project.version}`);
  assert.deepEqual(at(one(`${BASE}/kustomization.yaml`), "images"), [
    { name: "chive", newTag: project.version },
  ]);
});

Deno.test("ports are those of the configuration everywhere", () => {
  const socks = socksPortOf(TORRC);
  const metrics = metricsPortOf(TORRC);
  assert.deepEqual([socks.hostname, metrics.hostname], ["0.0.0.0", "0.0.0.0"]);
  assert.deepEqual(Object.fromEntries(PORTS), { socks: socks.port, metrics: metrics.port });
  assert.deepEqual(at(SERVICE, "spec", "ports"), [
    { name: "socks", port: socks.port, targetPort: "socks" },
  ]);
  const ingress = listAt(POLICY, "spec", "ingress");
  assert.deepEqual(ingress.map((rule) => at(rule, "ports")), [
    [{ protocol: "TCP", port: socks.port }],
    [{ protocol: "TCP", port: metrics.port }],
  ]);
  assert.deepEqual(
    listAt(POD_MONITOR, "spec", "podMetricsEndpoints").map((endpoint) => at(endpoint, "port")),
    ["metrics"],
  );
});

Deno.test("the SOCKS port serves private networks and no others", () => {
  const { policy } = readTorrc(TORRC).doors;
  const addresses = ["10.244.2.9", "192.168.1.1", "203.0.113.4", "2001:db8::1"];
  assert.deepEqual(addresses.map((from) => isAccepted(policy, from)), [true, true, false, false]);
});

Deno.test("selectors select the pod", () => {
  for (
    const selected of [
      at(STATEFUL_SET, "spec", "selector", "matchLabels"),
      at(SERVICE, "spec", "selector"),
      at(POLICY, "spec", "podSelector", "matchLabels"),
      at(POD_MONITOR, "spec", "selector", "matchLabels"),
    ]
  ) assert.deepEqual(selected, LABELS);
  assert.equal(at(STATEFUL_SET, "spec", "serviceName"), at(SERVICE, "metadata", "name"));
});

Deno.test("the pod is confined as the namespace demands", () => {
  assert.equal(
    at(one(`${BASE}/namespace.yaml`), "metadata", "labels", "pod-security.kubernetes.io/enforce"),
    "restricted",
  );
  assert.equal(at(POD, "automountServiceAccountToken"), false);
  const { runAsNonRoot, runAsUser, seccompProfile } = Object(at(POD, "securityContext"));
  assert.deepEqual([runAsNonRoot, seccompProfile], [true, { type: "RuntimeDefault" }]);
  assert.ok(readText("docker/Dockerfile").includes(`\nUSER ${runAsUser}:${runAsUser}\n`));
  assert.deepEqual(at(CONTAINER, "securityContext"), {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});

Deno.test("the working folder is the volume, which keeps the data, with the configuration in it", () => {
  const folder = at(CONTAINER, "workingDir");
  assert.deepEqual(at(CONTAINER, "volumeMounts"), [
    { name: "state", mountPath: folder },
    { name: "torrc", mountPath: `${folder}/torrc`, subPath: "torrc", readOnly: true },
  ]);
  assert.ok(readText("docker/Dockerfile").includes(`\nWORKDIR ${folder}\n`));
  assert.equal(at(STATEFUL_SET, "spec", "volumeClaimTemplates", 0, "metadata", "name"), "state");
  const generated = at(one(`${BASE}/kustomization.yaml`), "configMapGenerator", 0, "name");
  assert.deepEqual(at(POD, "volumes"), [{ name: "torrc", configMap: { name: generated } }]);
  // Where nothing else is said, both are looked for in the working folder.
  assert.equal(readTorrc(TORRC).dataDirectory, "./chive-data");
});

Deno.test("probes are answered to the kubelet, by the pod's address", async () => {
  const paths = ["startupProbe", "livenessProbe", "readinessProbe"].map((name) => {
    const probe = at(CONTAINER, name, "httpGet");
    assert.equal(at(probe, "port"), "metrics");
    return String(at(probe, "path"));
  });
  assert.deepEqual(paths, ["/healthz", "/healthz", "/readyz"]);
  const [pod, node] = ["10.244.1.7:9035", "10.0.0.4"];
  assert.equal((await ask(paths[1], node, pod)).status, 200);
  // Before there is a client it is alive, and not ready.
  assert.equal((await ask(paths[2], node, pod)).status, 503);
  assert.equal((await ask(paths[1], "203.0.113.4", pod)).status, 403);
  assert.equal((await ask(paths[1], node, "chive.example:9035")).status, 403);
  const metrics = String(at(POD_MONITOR, "spec", "podMetricsEndpoints", 0, "path"));
  const scraped = await ask(metrics, "10.244.2.9", pod, WATCHED);
  assert.deepEqual([scraped.status, await scraped.text()], [200, "# metrics\n"]);
});

Deno.test("the network policy lets it reach relays at any port, and nothing private", () => {
  assert.deepEqual(at(POLICY, "spec", "policyTypes"), ["Ingress", "Egress"]);
  const rules = listAt(POLICY, "spec", "egress");
  assert.equal(rules.length, 1);
  assert.deepEqual(at(rules[0], "ports"), [{ protocol: "TCP", port: 1, endPort: 65535 }]);
  const blocks = listAt(rules[0], "to").map((to) => at(to, "ipBlock"));
  const network = (text: unknown) => {
    const [address, bits] = String(text).split("/");
    return { address, bits: Number(bits) };
  };
  const isReached = (address: string) =>
    blocks.some((block) => {
      const accepts = (cidrs: readonly unknown[]) =>
        isAccepted(
          { rules: [{ accepts: true, networks: cidrs.map(network) }], otherwise: false },
          address,
        );
      return accepts([at(block, "cidr")]) && !accepts(listAt(block, "except"));
    });
  for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "223.255.255.1", "2001:db8::1"]) {
    assert.equal(isReached(address), true, address);
  }
  const own = ["10.96.0.10", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"];
  for (const address of [...own, "127.0.0.1", "255.255.255.255", "::1", "fd00::1", "fe80::1"]) {
    assert.equal(isReached(address), false, address);
  }
});

Deno.test({
  name: "kustomize puts them together (needs kubectl)",
  ignore: !await hasTool("kubectl", "version", "--client"),
  fn: async () => {
    const { success, output, errors } = await runTool("kubectl", "kustomize", DEPLOY + MONITORED);
    assert.ok(success, errors);
    assert.deepEqual([...output.matchAll(/^kind: (.*)$/gm)].map(([, kind]) => kind).toSorted(), [
      "ConfigMap",
      "Namespace",
      "NetworkPolicy",
      "PodMonitor",
      "Service",
      "StatefulSet",
    ]);
  },
});
