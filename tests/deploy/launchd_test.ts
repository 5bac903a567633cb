import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { readText } from "./deploy_files.ts";

type PropertyList = string | number | boolean | PropertyList[] | { [key: string]: PropertyList };

/**
 * Reads a property list, in the little of XML that it uses.
 *
 * @throws SyntaxError for anything else
 */
function parsePropertyList(text: string): PropertyList {
  const body = text.replace(/^<\?xml [^>]*\?>\s*<!DOCTYPE plist [^>]*>\s*/, "")
    .replaceAll(/<!--(?:(?!--)[^])*-->/g, "");
  const tokens = body.match(/<[^<>]+>|[^<>]+(?=<)|[<>]/g) ?? [];
  let next = 0;
  const skipSpace = () => {
    while (tokens[next]?.trim() === "") next++;
  };
  const take = (expected: string) => {
    if (tokens[next++] !== expected) throw new SyntaxError(`expected ${expected}`);
  };
  const textOf = (tag: string) => {
    const isEmpty = tokens[next] === `</${tag}>`;
    const value = isEmpty ? "" : tokens[next++];
    take(`</${tag}>`);
    return value;
  };
  const read = (): PropertyList => {
    skipSpace();
    const tag = tokens[next++];
    switch (tag) {
      case "<true/>":
      case "<false/>":
        return tag === "<true/>";
      case "<string>":
        return textOf("string");
      case "<integer>":
        return Number(textOf("integer"));
      case "<array>": {
        const items: PropertyList[] = [];
        for (skipSpace(); tokens[next] !== "</array>"; skipSpace()) items.push(read());
        next++;
        return items;
      }
      case "<dict>": {
        const entries: { [key: string]: PropertyList } = {};
        for (skipSpace(); tokens[next] !== "</dict>"; skipSpace()) {
          take("<key>");
          const key = textOf("key");
          if (Object.hasOwn(entries, key)) throw new SyntaxError(`${key} stands twice`);
          entries[key] = read();
        }
        next++;
        return entries;
      }
      default:
        throw new SyntaxError(`unexpected ${tag}`);
    }
  };
  skipSpace();
  take('<plist version="1.0">');
  const value = read();
  skipSpace();
  take("</plist>");
  assert.equal(tokens.slice(next).join("").trim(), "");
  return value;
}

const TEXT = readText("launchd/chive.plist");

Deno.test("the property list runs a client as a user of its own, in the folder of its data", () => {
  const service = parsePropertyList(TEXT);
  assert.ok(typeof service === "object" && !Array.isArray(service));
  const { ProgramArguments: program, WorkingDirectory: folder, UserName: user } = service;
  assert.ok(Array.isArray(program));
  const [executable, ...args] = program.map(String);
  const parsed = parseCommandLine(args, () => "");
  assert.ok(parsed.kind === "run");
  assert.deepEqual(parsed.warnings, []);
  assert.equal(parsed.config.dataDirectory, "./chive-data");
  assert.ok(TEXT.includes(`install -m 0755 chive ${executable}\n`));
  assert.ok(TEXT.includes(`install -d -o ${user} -m 0700 ${folder}\n`));
  assert.ok(TEXT.includes(`/Library/LaunchDaemons/${service.Label}.plist\n`));
  assert.equal(service.Umask, 0o77);
  // An orderly end is wanted; anything else is not.
  assert.deepEqual([service.RunAtLoad, service.KeepAlive], [true, { SuccessfulExit: false }]);
  assert.equal(service.StandardOutPath, `${folder}/chive.log`);
});

Deno.test("a property list that is not one is noticed", () => {
  for (
    const wrong of [
      TEXT.replace("</dict>", ""),
      TEXT.replace("<true/>", "<yes/>"),
      TEXT.replace("<key>Umask</key>", "<key>Label</key>"),
      TEXT + "<dict/>",
    ]
  ) assert.throws(() => parsePropertyList(wrong));
});
