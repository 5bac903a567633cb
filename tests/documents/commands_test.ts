/**
 * Runs every command of the documents as it stands there, in a copy of the project, on a network that
 * reaches nothing else. `command_block.ts` says how a block can be left out, and what else can be said
 * about it.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "../network/child_process.ts";
import { type CommandBlock, commandsOf, differenceOf } from "./command_block.ts";
import { readDocument, readDocuments } from "./documents.ts";
import { missingForWorkplace, Workplace } from "./workplace.ts";

/** The longest that a command which goes on may take until it says what is waited for, in ms. */
const READY_TIMEOUT = 20_000;

/** Runs the blocks of one document, one after the other. */
class Reader implements AsyncDisposable {
  readonly #workplace: Workplace;
  /** What goes on beside the next blocks. */
  #kept: ChildProcess | undefined;

  constructor(workplace: Workplace) {
    this.#workplace = workplace;
  }

  async follow(block: CommandBlock): Promise<void> {
    switch (block.kind) {
      case "skip":
        return;
      case "run": {
        const { code, output } = await this.#workplace.run(block.script);
        return assert.equal(code, 0, `${block.script}\nprinted\n${output}`);
      }
      case "compare":
        for (const { script, output } of block.commands) {
          const { code, output: printed } = await this.#workplace.run(script);
          assert.equal(code, 0, `${script}\nprinted\n${printed}`);
          const difference = differenceOf(output, printed);
          assert.equal(difference, undefined, `${difference}\n${script}\nprinted\n${printed}`);
        }
        return;
      case "keep":
        await this.#stop();
        this.#kept = this.#workplace.start(block.script);
        await this.#kept.line(new RegExp(RegExp.escape(block.ready)), READY_TIMEOUT);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  async #stop(): Promise<void> {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    assert.ok(kept.running, `it ended by itself:\n${kept.log}`);
    const { code } = await kept.stop();
    assert.equal(code, 0, kept.log);
  }
}

/** The example of the library's guide that its command runs, as a client of the test network. */
async function libraryProgram(torrc: string): Promise<string> {
  const { blocks } = await readDocument("docs/LIBRARY.md");
  const [{ text }] = blocks.filter(({ language }) => language === "ts");
  const start = '{ dataDirectory: "./chive-data" }';
  assert.ok(text.includes(start));
  return text.replace(
    start,
    `{ dataDirectory: "./chive-data", torrc: ${JSON.stringify(torrc)} }`,
  );
}

const missing = await missingForWorkplace();
if (missing !== undefined) console.log(`Commands of the documents are not run: ${missing}.`);

Deno.test("the commands of the documents do what they say", {
  ignore: missing !== undefined && !Deno.env.has("CI"),
}, async (test) => {
  assert.equal(missing, undefined);
  await using workplace = await Workplace.start();
  for (const document of await readDocuments()) {
    const commands = commandsOf(document).filter(({ command }) => command.kind !== "skip");
    if (commands.length === 0) continue;
    await workplace.renew();
    await Deno.writeTextFile(
      `${workplace.folder}/program.ts`,
      await libraryProgram(workplace.torrc),
    );
    await using reader = new Reader(workplace);
    for (const { line, command } of commands) {
      await test.step(`${document.path}, line ${line}`, () => reader.follow(command));
    }
  }
});
