/** What a task is to the page: how a person's sequence becomes inputs and targets, and what each step means. */

import type { Random } from "../random.js";

/** What a person draws. A task uses the parts that it needs. */
export interface Question {
  vectors: number[][]; // bits, one list a vector
  repeats: number; // how often they are to be copied
  query: number; // which item is asked for, from 0
  priorities: number[]; // between -1 and 1, one a vector
}

export interface Step {
  input: number[];
  target: number[] | null; // null: the output does not count
  name: string; // what comes in, as "vector 3", or what is asked for, as "answer 3"
  event: string; // the same in a sentence
}

/** A field in which a sequence is typed. */
export interface TextEntry {
  label: string;
  example: string;
  read: (text: string, length: number) => number[][];
  spell?: (vectors: number[][]) => string; // the way back
}

export interface Task {
  id: string; // the name of the network, and of the address's fragment
  title: string;
  goal: string; // what the network is asked for
  watch: string; // what to look at
  bits: number; // in a vector
  groups: number; // vectors that belong together
  size: { name: string; least: number; most: number; trained: number; start: number; longer: number }; // in groups
  slots: { start: number; longer: number; most: number };
  repeats?: { most: number; start: number; longer: number };
  hasQuery?: boolean;
  hasPriorities?: boolean;
  text?: TextEntry;
  predicts?: boolean; // outputs are predictions of what comes, which cannot be certain
  draw?: (count: number, random: Random) => number[][]; // vectors, where fair bits are not what is wanted
  encode: (question: Question) => Step[];
}

const PLACES = [7, 6, 5, 4, 3, 2, 1, 0];

export const zeros = (length: number): number[] => new Array<number>(length).fill(0);

/** Draw vectors of fair bits. */
export function drawVectors(count: number, bits: number, random: Random): number[][] {
  return Array.from({ length: count }, () => Array.from({ length: bits }, () => (random() < 0.5 ? 1 : 0)));
}

/** Bytes in UTF-8, each a vector of 8 bits, the highest bit first. */
export const BYTES: TextEntry = {
  label: "Text",
  example: "Turing",
  read: (text) => [...new TextEncoder().encode(text)].map((byte) => PLACES.map((place) => (byte >> place) & 1)),
  spell: (vectors) => {
    const bytes = vectors.map((bits) => bits.reduce((sum, bit, index) => sum + (bit << PLACES[index]), 0));
    return new TextDecoder().decode(Uint8Array.from(bytes)).replace(/\p{C}|\uFFFD/gu, "·"); // what is no character
  },
};

/** The steps at which nothing comes in and an answer is expected, one for each target. */
export function answerSteps(targets: number[][], inputSize: number): Step[] {
  return targets.map((target, index) => ({
    input: zeros(inputSize),
    target,
    name: `answer ${index + 1}`,
    event: `Answer ${index + 1} of ${targets.length} is asked for`,
  }));
}
