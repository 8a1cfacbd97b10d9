/** The page: what the controls do, and what is shown. */

import { readPalette } from "./canvas.js";
import { showEditor } from "./editor.js";
import { loadNetwork, type Network } from "./network.js";
import { showNumbers } from "./numbers.js";
import {
  drawBits,
  drawGate,
  drawHeads,
  drawMemory,
  drawPredictions,
  makeDrawing,
  timeAt,
  type Drawing,
} from "./panels.js";
import { makePlayer } from "./player.js";
import { makeRandom } from "./random.js";
import { answers, drawQuestion, makeScene, resizeQuestion } from "./scene.js";
import { describeStep, judge } from "./sentence.js";
import { TASKS } from "./tasks/tasks.js";
import type { Question, Task } from "./tasks/task.js";

const find = <Kind extends HTMLElement>(id: string) => document.getElementById(id) as Kind;
const input = (id: string) => find<HTMLInputElement>(id);
const name = (id: string) => document.querySelector<HTMLElement>(`label[for="${id}"]`)!;
const canvas = (id: string) => find<HTMLCanvasElement>(id);

const SLOTS = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const TIME_PANELS = ["input", "target", "output", "heads", "gate", "shift", "strength", "sharpening"];

interface Choice {
  network: Network;
  question: Question;
  slots: number;
  speed: string;
}

const random = makeRandom(1936);
const choices = new Map<Task, Choice>();
let task = TASKS[0];
let wanted = TASKS[0]; // the task that is shown as soon as its network is loaded
let drawing: Drawing;
let time = 0;
let planned = 0; // the frame in which the network is run

const player = makePlayer({
  time: () => time,
  last: () => drawing.scene.steps.length - 1,
  speed: () => Number(choice().speed),
  goTo,
  showPlaying,
});

const choice = () => choices.get(task)!;
const size = () => choice().question.vectors.length / task.groups;

// What is chosen

async function chooseTask(chosen: Task): Promise<void> {
  player.pause();
  wanted = chosen;
  if (!choices.has(chosen)) {
    const network = await loadNetwork(`${chosen.id}-ntm`, (missing) => {
      find("sentence").textContent = `The network could not be loaded: ${missing} is missing.`;
    });
    const question = drawQuestion(chosen, chosen.size.start, chosen.repeats?.start ?? 1, random);
    choices.set(chosen, { network, question, slots: chosen.slots.start, speed: startSpeed(chosen) });
  }
  if (wanted !== chosen) return;
  task = chosen;
  history.replaceState(null, "", `#${task.id}`);
  showTask();
  showQuestion();
  run();
}

/** Slower for those who want less motion. */
function startSpeed(chosen: Task): string {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return "2";
  return chosen.predicts ? "20" : "6";
}

function showTask(): void {
  document.body.classList.toggle("predicts", task.predicts ?? false);
  for (const button of document.querySelectorAll<HTMLInputElement>("#tasks input"))
    button.checked = button.value === task.id;
  find("goal").textContent = task.goal;
  find("watch").textContent = task.watch;
  find("output-note").textContent = task.predicts
    ? "How likely it says a 1 is (green), the best possible prediction (dashed), and what came (gray)."
    : "What it answers: the probability of a 1.";
  name("length").textContent = task.size.name[0].toUpperCase() + task.size.name.slice(1);
  const step = task.predicts ? 10 : 1;
  Object.assign(input("length"), { min: `${task.size.least}`, max: `${task.size.most}`, step: `${step}` });
  find("repeats-field").hidden = !task.repeats;
  input("repeats").max = `${task.repeats?.most ?? 1}`;
  find("query-field").hidden = !task.hasQuery;
  find("text-field").hidden = !task.text;
  name("text").textContent = task.text?.label ?? "";
  Object.assign(input("text"), { value: "", placeholder: task.text?.example ?? "" });
  input("slots").max = `${SLOTS.findIndex((slots) => slots === task.slots.most)}`;
  const repeats = task.repeats ? `, at most 10 times` : "";
  find("trained").textContent = `In training it never saw more than ${task.size.trained} ${task.size.name}${repeats}.`;
  const located = choice().network.options.addressing === "content_and_location";
  for (const panel of ["gate", "shift", "sharpening"]) find(`${panel}-panel`).hidden = !located;
}

/** Show a question that is new as a whole. */
function showQuestion(): void {
  const { question, slots, speed } = choice();
  input("length").value = find("length-value").textContent = `${size()}`;
  input("repeats").value = find("repeats-value").textContent = `${question.repeats}`;
  const items = Array.from({ length: size() - 1 }, (_, item) => new Option(`item ${item + 1}`, `${item}`));
  find("query").replaceChildren(...(task.hasQuery ? items : []));
  find<HTMLSelectElement>("query").value = `${question.query}`;
  input("slots").value = `${SLOTS.indexOf(slots)}`;
  find<HTMLSelectElement>("speed").value = speed;
  fitEditor();
  runSoon();
}

function fitEditor(): void {
  showEditor(find("editor"), task, choice().question, () => {
    input("text").value = "";
    runSoon();
  });
}

/** Run the network again, once for all the changes since the last picture. */
function runSoon(): void {
  cancelAnimationFrame(planned);
  planned = requestAnimationFrame(run);
}

/** Run the network, and show where it ends. */
function run(): void {
  cancelAnimationFrame(planned);
  player.pause();
  const { network, question, slots } = choice();
  drawing = makeDrawing(makeScene(task, network, question, slots), readPalette());
  find("slots-value").textContent = `${slots} slots`;
  input("slots").setAttribute("aria-valuetext", `${slots} slots`);
  input("time").max = `${drawing.scene.steps.length}`;
  goTo(drawing.scene.steps.length - 1);
}

/** Show another question; a text that no longer says what is drawn goes. */
function change(changes: Partial<Choice>, text = ""): void {
  if (input("text").value !== text) input("text").value = text;
  choices.set(task, { ...choice(), ...changes });
  showQuestion();
}

// What is shown

function goTo(step: number): void {
  time = Math.min(Math.max(step, 0), drawing.scene.steps.length - 1);
  draw();
  const { scene } = drawing;
  const { verdict, wrong } = judge(scene, time);
  const spelled =
    task.text?.spell && input("text").value ? ` It reads “${task.text.spell(answers(scene, time))}”.` : "";
  find("verdict").textContent = verdict + spelled;
  find("verdict").classList.toggle("wrong", wrong);
  find("sentence").textContent = describeStep(scene, time);
  input("time").value = `${time + 1}`;
  input("time").setAttribute("aria-valuetext", `step ${time + 1} of ${scene.steps.length}`);
  canvas("output").setAttribute("aria-label", `Output. ${verdict}`);
  showNumbers(scene, time, find("head-numbers"), find("output-numbers"));
}

/** While it plays, what happens is not read out at every step. */
function showPlaying(plays: boolean): void {
  find("sentence").setAttribute("aria-live", plays ? "off" : "polite");
  find("play-name").textContent = plays ? "Pause" : "Play";
  find("play-icon").setAttribute("d", plays ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2v12l10-6z");
}

function draw(): void {
  drawBits(canvas("input"), drawing, drawing.input, time);
  if (task.predicts) drawPredictions(canvas("output"), drawing, time);
  else {
    drawBits(canvas("target"), drawing, drawing.target, time);
    drawBits(canvas("output"), drawing, drawing.output, time);
  }
  drawHeads(canvas("heads"), drawing, time);
  drawMemory(canvas("memory"), drawing, time);
  drawGate(canvas("strength"), drawing, time, ({ strength }) => strength, 0, null);
  if (drawing.scene.network.options.addressing === "content") return;
  drawGate(canvas("gate"), drawing, time, ({ gate }) => gate, 0, 1);
  drawGate(canvas("shift"), drawing, time, ({ shifts }) => shifts[2] - shifts[0], -1, 1);
  drawGate(canvas("sharpening"), drawing, time, ({ sharpening }) => sharpening, 1, null);
}

function stopAt(step: number): void {
  player.pause();
  goTo(step);
}

// The controls

function makeTabs(): void {
  for (const each of TASKS) {
    const label = document.createElement("label");
    const button = document.createElement("input");
    Object.assign(button, { type: "radio", name: "task", value: each.id });
    button.addEventListener("change", () => chooseTask(each));
    label.append(button, each.title);
    find("tasks").append(label);
  }
}

function readText(): void {
  const { question } = choice();
  const text = input("text").value;
  const vectors = task.text!.read(text, question.vectors.length).slice(0, task.size.most);
  if (vectors.length < task.size.least) return;
  change({ question: { ...question, vectors } }, text);
}

function askForMore(): void {
  const { longer } = task.size;
  const slots = Math.max(choice().slots, task.slots.longer);
  const question = drawQuestion(task, longer, task.repeats?.longer ?? 1, random);
  change({ question, slots, speed: task.predicts ? "60" : "20" });
}

function listen(): void {
  const listenTo = (id: string, event: string, react: () => void) => find(id).addEventListener(event, react);
  listenTo("length", "input", () => {
    change({ question: resizeQuestion(task, choice().question, Number(input("length").value), random) });
  });
  listenTo("repeats", "input", () => {
    change({ question: { ...choice().question, repeats: Number(input("repeats").value) } }, input("text").value);
  });
  listenTo("query", "change", () => {
    change({ question: { ...choice().question, query: Number(find<HTMLSelectElement>("query").value) } });
  });
  listenTo("text", "input", readText);
  listenTo("random", "click", () => {
    change({ question: drawQuestion(task, size(), choice().question.repeats, random) });
  });
  listenTo("longer", "click", askForMore);
  listenTo("slots", "input", () => {
    choices.set(task, { ...choice(), slots: SLOTS[Number(input("slots").value)] });
    runSoon();
  });
  listenTo("speed", "change", () => {
    choices.set(task, { ...choice(), speed: find<HTMLSelectElement>("speed").value });
  });
  listenTo("play", "click", () => (player.plays() ? player.pause() : player.play()));
  listenTo("back", "click", () => stopAt(time - 1));
  listenTo("forward", "click", () => stopAt(time + 1));
  listenTo("time", "input", () => stopAt(Number(input("time").value) - 1));
  for (const panel of TIME_PANELS) {
    const scrub = (event: PointerEvent) => {
      if (event.buttons & 1) stopAt(timeAt(canvas(panel), event.offsetX, drawing.scene.steps.length));
    };
    canvas(panel).addEventListener("pointerdown", scrub);
    canvas(panel).addEventListener("pointermove", scrub);
  }
}

/** Fit what is shown to another window, or to another color scheme. */
function watchWindow(): void {
  let width = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth !== width) fitEditor();
    width = document.body.clientWidth;
    draw();
  }).observe(document.body);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    drawing = makeDrawing(drawing.scene, readPalette());
    draw();
  });
}

makeTabs();
void chooseTask(TASKS.find(({ id }) => `#${id}` === location.hash) ?? TASKS[0]).then(() => {
  listen();
  watchWindow();
});
