import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { RELAY_KERNEL_MODULE } from "../../src/crypto/relay_kernel_module.ts";

const FOLDER = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the build without the network. */
async function build(option: string): Promise<{ success: boolean; error: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--cached-only", "--allow-read", "--allow-env"]
      .concat("kernel/build.ts", option),
    cwd: FOLDER,
  }).output();
  return { success, error: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "the kernel is what its source compiles to (needs assemblyscript in Deno's cache)",
  // The compiler is not fetched for a test.
  ignore: !(await build("--version")).success,
  async fn() {
    const { success, error } = await build("--check");
    assert(success, error);
  },
});

Deno.test("the kernel takes nothing from outside, and its memory does not grow", () => {
  const module = new WebAssembly.Module(Uint8Array.fromBase64(RELAY_KERNEL_MODULE));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const { memory } = new WebAssembly.Instance(module).exports;
  assert(memory instanceof WebAssembly.Memory);
  assert.throws(() => memory.grow(1), RangeError);
});
