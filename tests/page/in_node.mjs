// Runs the page's own code in node: reads a JSON list of requests from standard input, and writes the answers.
import { readFileSync } from "node:fs";
import { readNetwork } from "../../page/src/network.ts";
import { runNetwork } from "../../page/src/ntm.ts";
import { costInBits, predictOptimally } from "../../page/src/tasks/ngrams.ts";
import { TASKS } from "../../page/src/tasks/tasks.ts";

const answer = {
  /** The weights as the page reads them. */
  weights({ network }) {
    return mapValues(load(network).weights, ({ rows, columns, values }) => ({ rows, columns, values: [...values] }));
  },
  /** Outputs and weightings at every step, and the memory at the end. */
  run({ network, inputs, slots }) {
    const moments = runNetwork(
      load(network),
      inputs.map((input) => Float64Array.from(input)),
      slots,
    );
    return moments.map(({ logits, weightings, memory }, step) => ({
      logits: [...logits],
      weightings: weightings.map((weighting) => [...weighting]),
      ...(step === moments.length - 1 && { memory: [...memory] }),
    }));
  },
  /** A sequence's inputs and targets. */
  encode({ task, question }) {
    return TASKS.find(({ id }) => id === task).encode(question);
  },
  /** The best possible predictions of bits, and what they cost. */
  predict({ bits }) {
    const probabilities = predictOptimally(bits);
    return { probabilities, cost: costInBits(probabilities, bits) };
  },
};

function load(path) {
  globalThis.networks = {};
  (0, eval)(readFileSync(path, "utf8"));
  return readNetwork(Object.values(globalThis.networks)[0]);
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

const requests = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(requests.map(({ what, ...request }) => answer[what](request))));
