/** The numbers of a step as a table, for those who want them exactly or cannot see the pictures. */

import { probabilities, strongest, type Scene } from "./scene.js";

export function showNumbers(scene: Scene, time: number, body: HTMLElement, outputs: HTMLElement): void {
  const { read_heads: readHeads, addressing } = scene.network.options;
  const moment = scene.moments[time];
  const rows = moment.heads.map((head, index) => {
    const { slot, weight } = strongest(moment.weightings[index]);
    const located = addressing === "content_and_location" ? [head.gate, ...head.shifts] : [];
    const numbers = [weight, ...located].map((value) => value.toFixed(4));
    while (numbers.length < 5) numbers.push("–");
    const sharpening = located.length ? head.sharpening.toFixed(2) : "–";
    const name = index < readHeads ? `read ${index + 1}` : `write ${index - readHeads + 1}`;
    return makeRow([name, `${slot}`, ...numbers, head.strength.toFixed(2), sharpening]);
  });
  body.replaceChildren(...rows);
  outputs.textContent = probabilities(moment)
    .map((probability) => probability.toFixed(6))
    .join(" ");
}

function makeRow([name, ...values]: string[]): HTMLTableRowElement {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  row.append(head);
  for (const value of values) row.insertCell().textContent = value;
  return row;
}
