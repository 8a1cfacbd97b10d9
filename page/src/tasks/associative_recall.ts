import { answerSteps, zeros, type Question, type Step, type Task } from "./task.js";

const BITS = 6;
const ITEM = 3; // vectors

export const associativeRecall: Task = {
  id: "associative_recall",
  title: "Recall",
  goal: "The network is shown items of three vectors, then one of them again as a query. The answer is the item that came next.",
  watch:
    "This cannot be found by where it is, only by what it is. While the query comes in, the gate g opens: the read head looks for " +
    "the item by content. Then it moves on by location, and reads the three vectors of the next item.",
  bits: BITS,
  groups: ITEM,
  size: { name: "items", least: 2, most: 20, trained: 6, start: 5, longer: 20 },
  slots: { start: 24, longer: 128, most: 512 },
  hasQuery: true,
  encode,
};

function encode({ vectors, query }: Question): Step[] {
  const count = vectors.length / ITEM;
  const vectorsOf = (item: number) => vectors.slice(item * ITEM, (item + 1) * ITEM);
  const steps: Step[] = [];
  for (let item = 0; item < count; item++) {
    steps.push(delimiter([1, 0], `the delimiter of item ${item + 1}`, `Item ${item + 1} of ${count} begins`));
    steps.push(...vectorsOf(item).map((vector, place) => shown(vector, `item ${item + 1}`, place)));
  }
  steps.push(delimiter([0, 1], "the delimiter of the query", `The query begins: item ${query + 1} again`));
  steps.push(...vectorsOf(query).map((vector, place) => shown(vector, "the query", place)));
  steps.push(delimiter([0, 1], "the end of the query", "The query ends"));
  return [...steps, ...answerSteps(vectorsOf(query + 1), BITS + 2)];
}

function delimiter(channels: number[], name: string, event: string): Step {
  return { input: [...zeros(BITS), ...channels], target: null, name, event };
}

function shown(vector: number[], owner: string, place: number): Step {
  const name = `vector ${place + 1} of ${owner}`;
  return { input: [...vector, 0, 0], target: null, name, event: `V${name.slice(1)} comes in` };
}
