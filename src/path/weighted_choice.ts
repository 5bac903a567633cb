/**
 * Random choice by weight.
 *
 * @module
 */
import { randomElement, randomFraction, type RandomSource } from "../runtime/random.ts";

/** Draws that may be refused before all items are looked at. */
const DRAWS = 16;

/**
 * One of the acceptable items, each as likely as its share of the acceptable items' weights. When
 * all acceptable items have weight 0, each is as likely as the others.
 *
 * `acceptable` is asked only about items that were drawn, unless many of those were refused, so
 * it may be slow and should refuse few.
 *
 * @param weight not negative
 * @returns `undefined` when no item is acceptable
 */
export function chooseByWeight<Item>(
  random: RandomSource,
  items: readonly Item[],
  weight: (item: Item) => number,
  acceptable: (item: Item) => boolean = () => true,
): Item | undefined {
  const wheel = new Wheel(items, weight);
  if (wheel.total > 0) {
    // A refused draw is simply repeated: that leaves the acceptable items' shares as they are.
    for (let draw = 0; draw < DRAWS; draw++) {
      const item = wheel.draw(random);
      if (acceptable(item)) return item;
    }
  }
  const accepted = items.filter(acceptable);
  if (accepted.length === 0) return undefined;
  const smaller = new Wheel(accepted, weight);
  return smaller.total > 0 ? smaller.draw(random) : randomElement(random, accepted);
}

/** Items with the running sum of their weights. */
class Wheel<Item> {
  readonly total: number;
  readonly #items: readonly Item[];
  readonly #sums: Float64Array;

  constructor(items: readonly Item[], weight: (item: Item) => number) {
    this.#items = items;
    this.#sums = new Float64Array(items.length);
    let total = 0;
    for (let index = 0; index < items.length; index++) {
      total += weight(items[index]);
      this.#sums[index] = total;
    }
    this.total = total;
  }

  /** The first item whose running sum exceeds a random part of the total, which must not be 0. */
  draw(random: RandomSource): Item {
    const point = randomFraction(random) * this.total;
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sums[middle] > point) high = middle;
      else low = middle + 1;
    }
    return this.#items[low];
  }
}
