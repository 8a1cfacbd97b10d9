import type { Random } from "../random.js";
import type { Question, Step, Task } from "./task.js";

const CONTEXT = 5; // bits

export const ngrams: Task = {
  id: "ngrams",
  title: "N-grams",
  goal:
    "Bits come from a random source, which nobody has seen before: how likely a 1 is depends on the five bits before it. At " +
    "every step the network has to say how likely a 1 is next.",
  watch:
    "No prediction can be certain, but there is a best possible one: count what followed the same five bits so far. The network was " +
    "never told this rule. Its heads go by content alone, and after the same five bits nearly always read the same slot.",
  bits: 1,
  groups: 1,
  size: { name: "bits", least: 10, most: 1000, trained: 200, start: 200, longer: 1000 },
  slots: { start: 128, longer: 128, most: 128 },
  text: { label: "Pattern", example: "00101", read: repeatPattern },
  predicts: true,
  draw: drawFromSource,
  encode,
};

/** Draw a source, for each context a probability of a 1 from Beta(1/2, 1/2), and bits from it. */
function drawFromSource(count: number, random: Random): number[][] {
  const ones = Array.from({ length: 2 ** CONTEXT }, () => Math.sin((Math.PI / 2) * random()) ** 2);
  const bits: number[] = [];
  let context = 0;
  for (let step = 0; step < count; step++) {
    const bit = random() < (step < CONTEXT ? 0.5 : ones[context]) ? 1 : 0;
    bits.push(bit);
    context = (2 * context + bit) % ones.length;
  }
  return bits.map((bit) => [bit]);
}

/** Repeat a pattern of the characters 0 and 1; others are left out. */
function repeatPattern(text: string, length: number): number[][] {
  const pattern = [...text].filter((character) => character === "0" || character === "1").map(Number);
  return pattern.length ? Array.from({ length }, (_, index) => [pattern[index % pattern.length]]) : [];
}

function encode({ vectors }: Question): Step[] {
  return vectors.map((vector, step) => ({
    input: step === 0 ? [0] : vectors[step - 1],
    target: vector,
    name: step === 0 ? "nothing" : `bit ${step}`,
    event: step === 0 ? "Nothing has come in yet" : `Bit ${step} comes in: ${vectors[step - 1][0]}`,
  }));
}

/**
 * The best possible predictions, the probability of a 1 at each step: (N1 + 1/2) / (N1 + N0 + 1), where N1 and N0 count the
 * ones and zeros that have followed the same context (Graves et al. 2014, section 4.4).
 */
export function predictOptimally(bits: number[]): number[] {
  const counts = Array.from({ length: 2 ** CONTEXT }, () => [0.5, 0.5]);
  let context = 0;
  return bits.map((bit, step) => {
    const [zeros, ones] = counts[context];
    const probability = step < CONTEXT ? 0.5 : ones / (zeros + ones);
    if (step >= CONTEXT) counts[context][bit] += 1;
    context = (2 * context + bit) % counts.length;
    return probability;
  });
}

/** What predictions cost on these bits, in bits. */
export function costInBits(probabilities: number[], bits: number[]): number {
  return bits.reduce((total, bit, step) => total - Math.log2(bit ? probabilities[step] : 1 - probabilities[step]), 0);
}
