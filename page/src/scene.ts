/** Everything that the page shows, and questions that a person has drawn. */

import type { Network } from "./network.js";
import { runNetwork, sigmoid, type Moment } from "./ntm.js";
import type { Random } from "./random.js";
import { drawVectors, type Question, type Step, type Task } from "./tasks/task.js";

export interface Scene {
  task: Task;
  network: Network;
  question: Question;
  slots: number;
  steps: Step[];
  moments: Moment[]; // one for each step
}

export function makeScene(task: Task, network: Network, question: Question, slots: number): Scene {
  const steps = task.encode(question);
  const inputs = steps.map(({ input }) => Float64Array.from(input));
  return { task, network, question, slots, steps, moments: runNetwork(network, inputs, slots) };
}

/** Draw a question of so many groups of vectors. */
export function drawQuestion(task: Task, size: number, repeats: number, random: Random): Question {
  const count = size * task.groups;
  return {
    vectors: task.draw ? task.draw(count, random) : drawVectors(count, task.bits, random),
    repeats,
    query: Math.floor(random() * (size - 1)),
    priorities: Array.from({ length: count }, () => Math.round(200 * random() - 100) / 100),
  };
}

/** Give a question another size: what both have is kept, but for a source of bits, which is drawn again. */
export function resizeQuestion(task: Task, question: Question, size: number, random: Random): Question {
  const more = drawQuestion(task, size, question.repeats, random);
  if (task.draw) return more;
  const keep = <Value>(old: Value[], drawn: Value[]) =>
    drawn.map((value, index) => (index < old.length ? old[index] : value));
  return {
    ...more,
    vectors: keep(question.vectors, more.vectors),
    priorities: keep(question.priorities, more.priorities),
    query: Math.min(question.query, size - 2),
  };
}

export function probabilities(moment: Moment): number[] {
  return [...moment.logits].map(sigmoid);
}

/** Count the wrong bits of one step's output. */
export function wrongBits(step: Step, moment: Moment): number {
  return step.target === null ? 0 : step.target.filter((bit, index) => bit !== Number(moment.logits[index] > 0)).length;
}

/** Find the slot of the largest weight. */
export function strongest(weighting: Float64Array): { slot: number; weight: number } {
  let slot = 0;
  weighting.forEach((weight, index) => {
    if (weight > weighting[slot]) slot = index;
  });
  return { slot, weight: weighting[slot] };
}

export function readWeightings({ network }: Scene, moment: Moment): Float64Array[] {
  return moment.weightings.slice(0, network.options.read_heads);
}

export function writeWeightings({ network }: Scene, moment: Moment): Float64Array[] {
  return moment.weightings.slice(network.options.read_heads);
}

/** The bits of all answers up to a step. */
export function answers({ steps, moments }: Scene, time: number): number[][] {
  const scored = moments.slice(0, time + 1).filter((_, index) => steps[index].target !== null);
  return scored.map(({ logits }) => Array.from(logits, (logit) => Number(logit > 0)));
}
