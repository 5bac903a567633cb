import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const SETS: readonly (readonly [text: string, field: string, value: unknown])[] = [
  ["UseEntryGuards 0", "useEntryGuards", false],
  ["UseHelperNodes 0", "useEntryGuards", false],
  ["NumEntryGuards 2", "numEntryGuards", 2],
  ["NumPrimaryGuards 5", "numPrimaryGuards", 5],
  ["NumDirectoryGuards 4", "numDirectoryGuards", 4],
  ["GuardLifetime 2 months", "guardLifetime", 5_259_456_000],
];

for (const [text, field, value] of SETS) {
  Deno.test(`'${text}' sets ${field}`, () => {
    assert.equal(new Map(Object.entries(fromTorrc(text).config)).get(field), value);
  });
}

const PATH_BIAS: readonly (readonly [text: string, field: string, value: unknown])[] = [
  ["PathBiasCircThreshold 5", "circuitThreshold", 5],
  ["PathBiasCircThreshold -1", "circuitThreshold", undefined],
  ["PathBiasNoticeRate 0.7", "noticeRate", 0.7],
  ["PathBiasWarnRate 1.0", "warnRate", 1],
  ["PathBiasExtremeRate 0", "extremeRate", 0],
  ["PathBiasExtremeRate -0.5", "extremeRate", undefined],
  ["PathBiasDropGuards 1", "dropGuards", true],
  ["PathBiasDropGuards auto", "dropGuards", undefined],
  ["PathBiasScaleThreshold 10", "scaleThreshold", 10],
  ["PathBiasUseThreshold 3", "useThreshold", 3],
  ["PathBiasNoticeUseRate .8", "noticeUseRate", 0.8],
  ["PathBiasExtremeUseRate 0.6", "extremeUseRate", 0.6],
  ["PathBiasScaleUseThreshold 100", "scaleUseThreshold", 100],
];

for (const [text, field, value] of PATH_BIAS) {
  Deno.test(`'${text}' sets pathBias.${field}`, () => {
    const { config, notices } = fromTorrc(text);
    assert.deepEqual(config.pathBias, { ...fromTorrc("").config.pathBias, [field]: value });
    assert.deepEqual(notices, []);
  });
}

const TOO_SMALL: readonly (readonly [text: string, field: string])[] = [
  ["PathBiasCircThreshold 4", "circuitThreshold"],
  ["PathBiasScaleThreshold 9", "scaleThreshold"],
  ["PathBiasUseThreshold 2", "useThreshold"],
  ["PathBiasScaleUseThreshold 0", "scaleUseThreshold"],
];

for (const [text, field] of TOO_SMALL) {
  Deno.test(`'${text}' is too small to be used, which is said`, () => {
    const { config, notices } = fromTorrc(text);
    assert.equal(new Map(Object.entries(config.pathBias)).get(field), undefined);
    assert.match(notices.join(), /^PathBias\w+Threshold is less than \d+/);
  });
}

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["NumEntryGuards 4\nNumPrimaryGuards 3", "config-conflict", /must not be more/],
  ["NumEntryGuards -1", "config-bad-value", /whole number/],
  ["PathBiasCircThreshold 1.5", "config-bad-value", /whole number/],
  ["PathBiasNoticeRate 1.1", "config-bad-value", /between 0 and 1/],
  ["PathBiasWarnRate 2", "config-bad-value", /between 0 and 1/],
  ["PathBiasExtremeRate x", "config-bad-value", /decimal/],
  ["PathBiasDropGuards yes", "config-bad-value", /0, 1 or auto/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, /^test\.torrc, line 1: /);
      assert.match(error.message, says);
      return true;
    });
  });
}
