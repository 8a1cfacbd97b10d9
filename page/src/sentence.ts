/** What happens at a step, in a plain sentence, and how good the answer was. */

import { probabilities, readWeightings, strongest, wrongBits, writeWeightings, type Scene } from "./scene.js";
import { costInBits, predictOptimally } from "./tasks/ngrams.js";

/** A head is at a slot if it gives it at least this weight. */
const AT = 0.5;

export function describeStep(scene: Scene, time: number): string {
  const step = scene.steps[time];
  const sentences = [`Step ${time + 1} of ${scene.steps.length}`, step.event, describeWriting(scene, time)];
  const reading = describeReading(scene, time);
  if (reading) sentences.push(reading);
  if (scene.task.predicts) sentences.push(describePrediction(scene, time));
  else if (step.target) sentences.push(describeAnswer(scene, time));
  return sentences.join(". ") + ".";
}

function describeWriting(scene: Scene, time: number): string {
  const heads = writeWeightings(scene, scene.moments[time]);
  const places = placesOf(heads);
  const who = heads.length === 1 ? "The write head" : "The write heads";
  if (places.length === 0) return `${who} ${heads.length === 1 ? "spreads" : "spread"} over several slots`;
  return `${who} ${heads.length === 1 ? "writes" : "write"} to ${spellSlots(places)}`;
}

/** Reading from no slot in particular says nothing, except when an answer is wanted. */
function describeReading(scene: Scene, time: number): string {
  const heads = readWeightings(scene, scene.moments[time]);
  const places = placesOf(heads);
  const who = heads.length === 1 ? "The read head" : "The read heads";
  const verb = (one: string, many: string) => (heads.length === 1 ? one : many);
  if (places.length === 0) return scene.steps[time].target ? `${who} ${verb("reads", "read")} from several slots` : "";
  const origin = places.length === 1 ? describeOrigin(scene, places[0], time) : "";
  return `${who} ${verb("reads", "read")} ${spellSlots(places)}${origin}`;
}

/** Say when a slot was last written. */
function describeOrigin(scene: Scene, slot: number, time: number): string {
  for (let before = time - 1; before >= 0; before--) {
    const written = placesOf(writeWeightings(scene, scene.moments[before])).includes(slot);
    if (written) return `, last written at ${scene.steps[before].name}`;
  }
  return ", which was not written";
}

function placesOf(weightings: Float64Array[]): number[] {
  const found = weightings.map(strongest).filter(({ weight }) => weight >= AT);
  return [...new Set(found.map(({ slot }) => slot))].sort((one, other) => one - other);
}

function spellSlots(slots: number[]): string {
  if (slots.length === 1) return `slot ${slots[0]}`;
  return `slots ${slots.slice(0, -1).join(", ")} and ${slots[slots.length - 1]}`;
}

function describeAnswer(scene: Scene, time: number): string {
  const wrong = wrongBits(scene.steps[time], scene.moments[time]);
  const bits = scene.task.bits;
  return wrong === 0 ? `All ${bits} bits are right` : `${wrong} of ${bits} bits ${wrong === 1 ? "is" : "are"} wrong`;
}

function describePrediction(scene: Scene, time: number): string {
  const [network] = probabilities(scene.moments[time]);
  const best = predictOptimally(scene.question.vectors.flat())[time];
  return `A 1 comes next with ${percent(network)}, says the network; the best possible prediction is ${percent(best)}`;
}

const percent = (probability: number) => `${Math.round(100 * probability)}%`;

/** Say how good all answers up to a step are. */
export function judge(scene: Scene, time: number): { verdict: string; wrong: boolean } {
  if (scene.task.predicts) return { verdict: comparePredictions(scene, time), wrong: false };
  const steps = scene.steps.slice(0, time + 1);
  const scored = steps.filter(({ target }) => target !== null).length * scene.task.bits;
  const wrong = steps.reduce((total, step, index) => total + wrongBits(step, scene.moments[index]), 0);
  if (scored === 0) return { verdict: "No answer yet.", wrong: false };
  return { verdict: wrong === 0 ? `All ${scored} bits right.` : `${wrong} of ${scored} bits wrong.`, wrong: wrong > 0 };
}

function comparePredictions(scene: Scene, time: number): string {
  const bits = scene.question.vectors.flat().slice(0, time + 1);
  const network = scene.moments.slice(0, time + 1).map((moment) => probabilities(moment)[0]);
  const [cost, least] = [costInBits(network, bits), costInBits(predictOptimally(bits), bits)];
  return `${cost.toFixed(1)} bits so far; the best possible: ${least.toFixed(1)}.`;
}
