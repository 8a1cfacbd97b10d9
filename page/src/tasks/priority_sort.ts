import { answerSteps, zeros, type Question, type Step, type Task } from "./task.js";

const BITS = 8;

export const prioritySort: Task = {
  id: "priority_sort",
  title: "Sort",
  goal: "Each vector comes with a priority. The network has to produce the four fifths of highest priority, the highest first.",
  watch:
    "Five heads write and five read, drawn on top of one another. The vectors are written as they come, and sorted when they are " +
    "read: the read heads find the next one by content, and a write head follows into each slot that was read.",
  bits: BITS,
  groups: 1,
  size: { name: "vectors", least: 1, most: 30, trained: 20, start: 20, longer: 30 },
  slots: { start: 32, longer: 64, most: 512 },
  hasPriorities: true,
  encode,
};

function encode({ vectors, priorities }: Question): Step[] {
  const shown = vectors.map((vector, index) => ({
    input: [...vector, priorities[index], 0],
    target: null,
    name: `vector ${index + 1}`,
    event: `Vector ${index + 1} of ${vectors.length} comes in, with priority ${priorities[index].toFixed(2)}`,
  }));
  const delimiter = {
    input: [...zeros(BITS + 1), 1],
    target: null,
    name: "the delimiter",
    event: "The delimiter comes in",
  };
  const order = vectors.map((_, index) => index).sort((one, other) => priorities[other] - priorities[one]);
  const sorted = order.slice(0, Math.max(Math.floor((vectors.length * 4) / 5), 1)).map((index) => vectors[index]);
  return [...shown, delimiter, ...answerSteps(sorted, BITS + 2)];
}
