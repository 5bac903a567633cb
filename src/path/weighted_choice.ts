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
 * all acceptable items have weight 0, each is as likely as the others. To choose from the same
 * items again and again, keep a {@link WeightedItems}.
 *
 * @param weight not negative
 * @param acceptable see {@link WeightedItems.choose}
 * @returns `undefined` when no item is acceptable
 */
export function chooseByWeight<Item>(
  random: RandomSource,
  items: readonly Item[],
  weight: (item: Item) => number,
  acceptable?: (item: Item) => boolean,
): Item | undefined {
  return new WeightedItems(items, weight).choose(random, acceptable);
}

/** Items with the running sum of their weights, so that one is found by a binary search. */
export class WeightedItems<Item> {
  readonly #items: readonly Item[];
  readonly #weight: (item: Item) => number;
  readonly #sums: Float64Array;

  /**
   * @param items which must not change
   * @param weight not negative, and always the same for an item
   */
  constructor(items: readonly Item[], weight: (item: Item) => number) {
    this.#items = items;
    this.#weight = weight;
    this.#sums = new Float64Array(items.length);
    let total = 0;
    for (let index = 0; index < items.length; index++) {
      total += weight(items[index]);
      this.#sums[index] = total;
    }
  }

  /**
   * One of the acceptable items, each as likely as its share of the acceptable items' weights. When
   * all acceptable items have weight 0, each is as likely as the others.
   *
   * @param acceptable is asked only about items that were drawn, unless many of those were refused,
   * so it may be slow and should refuse few; its answers must not change during the call
   * @returns `undefined` when no item is acceptable
   */
  choose(
    random: RandomSource,
    acceptable: (item: Item) => boolean = () => true,
  ): Item | undefined {
    if (this.#total > 0) {
      // A refused draw is simply repeated: that leaves the acceptable items' shares as they are.
      for (let draw = 0; draw < DRAWS; draw++) {
        const item = this.#draw(random);
        if (acceptable(item)) return item;
      }
    }
    const accepted = this.#items.filter(acceptable);
    if (accepted.length === 0) return undefined;
    const smaller = new WeightedItems(accepted, this.#weight);
    return smaller.#total > 0 ? smaller.#draw(random) : randomElement(random, accepted);
  }

  get #total(): number {
    return this.#sums.at(-1) ?? 0;
  }

  /** The first item whose running sum exceeds a random part of the total, which must not be 0. */
  #draw(random: RandomSource): Item {
    const point = randomFraction(random) * this.#total;
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
