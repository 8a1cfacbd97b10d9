import { answerSteps, BYTES, zeros, type Question, type Step, type Task } from "./task.js";

const BITS = 8;

export const copy: Task = {
  id: "copy",
  title: "Copy",
  goal: "The network is shown a list of vectors, one at a time, then a delimiter. It then has to produce the list again.",
  watch:
    "The write head goes down one slot a step and leaves a vector in each, while the read head waits at slot 0. After the " +
    "delimiter the read head follows on the same path. Nobody told the network to use its memory like this.",
  bits: BITS,
  groups: 1,
  size: { name: "vectors", least: 1, most: 120, trained: 20, start: 12, longer: 120 },
  slots: { start: 24, longer: 128, most: 512 },
  text: BYTES,
  encode,
};

function encode({ vectors }: Question): Step[] {
  const shown = vectors.map((vector, index) => ({
    input: [...vector, 0],
    target: null,
    name: `vector ${index + 1}`,
    event: `Vector ${index + 1} of ${vectors.length} comes in`,
  }));
  const delimiter = {
    input: [...zeros(BITS), 1],
    target: null,
    name: "the delimiter",
    event: "The delimiter comes in",
  };
  return [...shown, delimiter, ...answerSteps(vectors, BITS + 1)];
}
