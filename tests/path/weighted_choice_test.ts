import assert from "node:assert/strict";
import fc from "fast-check";
import { chooseByWeight, WeightedItems } from "../../src/path/weighted_choice.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

/** How often each of the weights' indexes was chosen in `draws`. */
function tally(
  weights: readonly number[],
  draws: number,
  acceptable: (index: number) => boolean = () => true,
): number[] {
  const random = new SeededRandom(1);
  const indexes = weights.map((_, index) => index);
  const counts = weights.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    const index = chooseByWeight(random, indexes, (item) => weights[item], acceptable);
    assert.ok(index !== undefined);
    counts[index]++;
  }
  return counts;
}

function assertNear(counts: readonly number[], expected: readonly number[]): void {
  counts.forEach((count, index) => {
    // Five standard deviations of a Poisson count.
    const slack = 5 * Math.sqrt(expected[index]);
    assert.ok(Math.abs(count - expected[index]) <= slack, `${index}: ${counts} for ${expected}`);
  });
}

Deno.test("items are chosen in proportion to their weights", () => {
  assertNear(tally([1, 0, 3, 6], 20_000), [2000, 0, 6000, 12_000]);
});

Deno.test("items that are not acceptable leave the others' proportions alone", () => {
  assertNear(tally([1, 2, 3, 94], 6000, (index) => index !== 3), [1000, 2000, 3000, 0]);
});

Deno.test("items without any weight are equally likely", () => {
  assertNear(tally([0, 0, 0], 3000), [1000, 1000, 1000]);
  assertNear(tally([0, 5, 0], 3000, (index) => index !== 1), [1500, 0, 1500]);
});

Deno.test("the ends of the range of random numbers choose items that have weight", () => {
  const weights = [0, 1, 2, 0];
  const choose = (byte: number) =>
    chooseByWeight({ fill: (bytes) => void bytes.fill(byte) }, [0, 1, 2, 3], (i) => weights[i]);
  assert.deepEqual([choose(0), choose(0xff)], [1, 2]);
});

Deno.test("a table can be chosen from again and again", () => {
  const table = new WeightedItems([0, 1, 2], (item) => item);
  const random = new SeededRandom(1);
  const counts = [0, 0, 0];
  for (let draw = 0; draw < 3000; draw++) counts[table.choose(random) ?? 0]++;
  assertNear(counts, [0, 1000, 2000]);
  assert.equal(table.choose(random, (item) => item === 0), 0);
  assert.equal(table.choose(random, () => false), undefined);
});

Deno.test("nothing is chosen from nothing", () => {
  const random = new SeededRandom(1);
  assert.equal(chooseByWeight(random, [], () => 1), undefined);
  assert.equal(chooseByWeight(random, [1, 2], () => 1, () => false), undefined);
});

Deno.test("what is chosen is acceptable and has weight while anything acceptable has", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.record({ weight: fc.nat(5), fine: fc.boolean() }), { maxLength: 40 }),
      (seed, items) => {
        const random = new SeededRandom(seed);
        const chosen = chooseByWeight(random, items, ({ weight }) => weight, ({ fine }) => fine);
        const fine = items.filter((item) => item.fine);
        assert.equal(chosen === undefined, fine.length === 0);
        if (chosen === undefined) return;
        assert.ok(chosen.fine);
        assert.ok(chosen.weight > 0 || fine.every(({ weight }) => weight === 0));
      },
    ),
    { seed: 1 },
  );
});
