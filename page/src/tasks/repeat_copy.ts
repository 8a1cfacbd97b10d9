import { answerSteps, BYTES, zeros, type Question, type Step, type Task } from "./task.js";

const BITS = 8;

export const repeatCopy: Task = {
  id: "repeat_copy",
  title: "Repeat copy",
  goal: "After the list comes a number: the list has to be produced that many times.",
  watch:
    "The list is written once and then read in a loop. Look at the slot after the list: during the first copy the write head " +
    "goes there once more. In all later copies that slot stands for the first vector, and from there the read head jumps to the " +
    "second: the gate g opens, to find it by content.",
  bits: BITS,
  groups: 1,
  size: { name: "vectors", least: 1, most: 20, trained: 10, start: 6, longer: 20 },
  slots: { start: 24, longer: 32, most: 512 },
  repeats: { most: 20, start: 4, longer: 10 },
  text: BYTES,
  encode,
};

function encode({ vectors, repeats }: Question): Step[] {
  const start = {
    input: [...zeros(BITS), 1, 0],
    target: null,
    name: "the start",
    event: "The start of the list comes in",
  };
  const shown = vectors.map((vector, index) => ({
    input: [...vector, 0, 0],
    target: null,
    name: `vector ${index + 1}`,
    event: `Vector ${index + 1} of ${vectors.length} comes in`,
  }));
  const number = {
    input: [...zeros(BITS), 0, repeats / 10],
    target: null,
    name: "the number",
    event: `The number of repeats comes in: ${repeats}`,
  };
  const copies = Array.from({ length: repeats }, () => vectors).flat();
  return [start, ...shown, number, ...answerSteps(copies, BITS + 2)];
}
