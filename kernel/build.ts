/**
 * Compiles the relay crypto kernel and writes it as a module that can be imported:
 *
 *     deno task kernel            writes src/crypto/relay_kernel_module.ts
 *     deno task kernel --check    compares it with what is there
 *     deno task kernel --version  only tells the compiler's version
 *
 * The compiler's version is pinned, and its output depends on nothing but the source.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import asc from "npm:assemblyscript@0.28.20/asc";

const SOURCE = new URL("relay_kernel.ts", import.meta.url);
const MODULE = new URL("../src/crypto/relay_kernel_module.ts", import.meta.url);

/** Pages of 64 KiB that the kernel's memory has: 16 MiB, which cost nothing until they are used. */
const MEMORY_PAGES = 256;

const LINE_LENGTH = 76;

async function compile(): Promise<Uint8Array> {
  const source = await Deno.readTextFile(SOURCE);
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "relay_kernel.ts",
      ...["--outFile", "relay_kernel.wasm"],
      ...["--runtime", "stub"],
      ...["--enable", "simd"],
      ...["--initialMemory", `${MEMORY_PAGES}`, "--maximumMemory", `${MEMORY_PAGES}`],
      ...["-O3", "--converge", "--noAssert"],
      // Keeps the names of the functions, for profiles.
      "--debug",
    ],
    {
      readFile: (name) => name === "relay_kernel.ts" ? source : null,
      writeFile: (name, contents) => {
        if (name === "relay_kernel.wasm" && contents instanceof Uint8Array) binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr}`);
  return binary;
}

function moduleOf(binary: Uint8Array): string {
  const lines = binary.toBase64().match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  return [
    "/**",
    " * The relay crypto kernel, compiled from kernel/relay_kernel.ts by `deno task kernel`. Generated.",
    " *",
    " * @module",
    " */",
    "",
    `/** The WebAssembly module, ${binary.length} bytes, in base64. */`,
    "export const RELAY_KERNEL_MODULE =",
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

/** Does what the arguments say; returns the exit code. */
async function main([option]: readonly string[]): Promise<number> {
  if (option === "--version") {
    console.log(asc.version);
    return 0;
  }
  const text = moduleOf(await compile());
  if (option !== "--check") {
    await Deno.writeTextFile(MODULE, text);
    return 0;
  }
  if (await Deno.readTextFile(MODULE) === text) return 0;
  console.error(`${fileURLToPath(MODULE)} is not what kernel/relay_kernel.ts compiles to.`);
  return 1;
}

Deno.exit(await main(Deno.args));
