/** The panels: input, target and output, heads, memory, and what the heads were told, all over the same time. */

import { css, drawCells, drawTime, makeBitmap, mix, prepare, type Box, type Color, type Palette } from "./canvas.js";
import type { Head } from "./ntm.js";
import { probabilities, readWeightings, writeWeightings, type Scene } from "./scene.js";
import { predictOptimally } from "./tasks/ngrams.js";

const LEFT = 30; // room for the labels of an axis
const BELOW = 16;
const FAINT = 1 / 512; // a weight that no screen shows
const STRIP = 7; // width of the heads' weights beside the memory

/** Whatever does not depend on the current step is drawn once. */
export interface Drawing {
  scene: Scene;
  palette: Palette;
  input: HTMLCanvasElement;
  target: HTMLCanvasElement;
  output: HTMLCanvasElement;
  heads: HTMLCanvasElement;
  memoryScale: number; // the magnitude that is drawn in full color
  predictions: { network: number[]; best: number[] } | null;
}

export function makeDrawing(scene: Scene, palette: Palette): Drawing {
  const { steps, moments, task } = scene;
  const outputs = moments.map(probabilities);
  const shade = (value: number): Color =>
    mix(palette.blank, value < 0 ? [palette.negative, -value] : [palette.ink, Math.min(value, 1)]);
  return {
    scene,
    palette,
    input: makeBitmap(steps[0].input.length, steps.length, (row, time) => shade(steps[time].input[row])),
    target: makeBitmap(task.bits, steps.length, (row, time) => {
      const target = steps[time].target;
      return target && shade(target[row]);
    }),
    output: makeBitmap(task.bits, steps.length, (row, time) => steps[time].target && shade(outputs[time][row])),
    heads: drawWeightings(scene, palette),
    memoryScale: findScale(moments[moments.length - 1].memory),
    predictions: task.predicts
      ? { network: outputs.map(([one]) => one), best: predictOptimally(scene.question.vectors.flat()) }
      : null,
  };
}

function drawWeightings(scene: Scene, palette: Palette): HTMLCanvasElement {
  const writes = scene.moments.map((moment) => strongestOf(writeWeightings(scene, moment)));
  const reads = scene.moments.map((moment) => strongestOf(readWeightings(scene, moment)));
  return makeBitmap(scene.slots, scene.steps.length, (slot, time) => {
    const [write, read] = [writes[time][slot], reads[time][slot]];
    return write + read < FAINT ? palette.blank : mix(palette.blank, [palette.writing, write], [palette.reading, read]);
  });
}

/** For each slot the largest weight that any of the heads gives it. */
function strongestOf(weightings: Float64Array[]): Float64Array {
  if (weightings.length === 1) return weightings[0];
  return weightings[0].map((_, slot) => Math.max(...weightings.map((weighting) => weighting[slot])));
}

function timeBox(canvas: HTMLCanvasElement, below = 0): Box {
  return { left: LEFT, top: 1, width: canvas.clientWidth - LEFT - 2, height: canvas.clientHeight - below - 2 };
}

/** Find the step at a point of a panel. */
export function timeAt(canvas: HTMLCanvasElement, x: number, steps: number): number {
  const box = timeBox(canvas);
  return Math.min(Math.max(Math.floor(((x - box.left) / box.width) * steps), 0), steps - 1);
}

export function drawBits(canvas: HTMLCanvasElement, drawing: Drawing, image: HTMLCanvasElement, time: number): void {
  const { palette, scene } = drawing;
  const context = prepare(canvas);
  const box = timeBox(canvas);
  drawCells(context, image, box, palette.paper);
  if (image === drawing.output) markErrors(context, box, scene, palette);
  drawTime(context, box, time, scene.steps.length, palette);
}

function markErrors(context: CanvasRenderingContext2D, box: Box, scene: Scene, palette: Palette): void {
  const [wide, high] = [box.width / scene.steps.length, box.height / scene.task.bits];
  context.strokeStyle = context.fillStyle = css(palette.wrong);
  context.lineWidth = 2;
  scene.steps.forEach(({ target }, time) =>
    target?.forEach((bit, row) => {
      if (bit === Number(scene.moments[time].logits[row] > 0)) return;
      const [x, y] = [box.left + time * wide, box.top + row * high];
      if (wide < 6) context.fillRect(x, y, Math.max(wide, 1.5), high);
      else context.strokeRect(x + 1.5, y + 1.5, wide - 3, high - 3);
    }),
  );
}

/** Predictions over time: the bits that came, the network's probabilities of a 1, and the best possible ones. */
export function drawPredictions(canvas: HTMLCanvasElement, drawing: Drawing, time: number): void {
  const { scene, palette, predictions } = drawing;
  const context = prepare(canvas);
  const box = timeBox(canvas);
  const bits = scene.question.vectors.flat();
  const column = box.width / bits.length;
  const y = (probability: number) => box.top + 6 + (1 - probability) * (box.height - 12);
  drawAxis(context, box, palette, [
    [y(1), "1"],
    [y(0.5), ".5"],
    [y(0), "0"],
  ]);
  context.fillStyle = css(palette.pale);
  bits.forEach((bit, step) => context.fillRect(box.left + step * column, y(bit) - 2, Math.max(column - 1, 1), 4));
  drawLine(context, box, predictions!.best, y, css(palette.ink), [3, 2]);
  drawLine(context, box, predictions!.network, y, css(palette.network), []);
  drawTime(context, box, time, bits.length, palette);
}

function drawAxis(context: CanvasRenderingContext2D, box: Box, palette: Palette, marks: [number, string][]): void {
  context.fillStyle = css(palette.blank);
  context.fillRect(box.left, box.top, box.width, box.height);
  context.fillStyle = css(palette.pale);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const [y, text] of marks)
    context.fillText(text, box.left - 5, Math.min(Math.max(y, 6), box.top + box.height - 5));
}

function drawLine(
  context: CanvasRenderingContext2D,
  box: Box,
  values: number[],
  y: (value: number) => number,
  color: string,
  dashes: number[],
): void {
  const column = box.width / values.length;
  context.beginPath();
  values.forEach((value, step) => {
    context.lineTo(box.left + step * column, y(value));
    context.lineTo(box.left + (step + 1) * column, y(value));
  });
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.setLineDash(dashes);
  context.stroke();
  context.setLineDash([]);
}

export function drawHeads(canvas: HTMLCanvasElement, { scene, palette, heads }: Drawing, time: number): void {
  const context = prepare(canvas);
  const box = timeBox(canvas, BELOW);
  drawCells(context, heads, box, palette.paper);
  drawTime(context, box, time, scene.steps.length, palette);
  context.fillStyle = css(palette.pale);
  context.textAlign = "right";
  context.textBaseline = "middle";
  const high = box.height / scene.slots;
  for (const slot of spread(scene.slots, box.height))
    context.fillText(`${slot}`, LEFT - 5, Math.max(box.top + (slot + 0.5) * high, 6));
  context.textBaseline = "bottom";
  context.textAlign = "left";
  context.fillText("step 1", box.left, canvas.clientHeight);
  context.textAlign = "right";
  context.fillText(`step ${scene.steps.length}`, box.left + box.width, canvas.clientHeight);
}

/** Choose the slots whose numbers stand at the axis: round ones, far enough apart to be read. */
function spread(slots: number, height: number): number[] {
  const step = [1, 2, 4, 8, 16, 32, 64, 128].find((candidate) => (candidate * height) / slots >= 15) ?? 128;
  return Array.from({ length: Math.ceil(slots / step) }, (_, index) => index * step);
}

/** Twice the mean of the magnitudes that matter, so that a few cannot pale the rest. */
function findScale(memory: Float64Array): number {
  const magnitudes = Array.from(memory, Math.abs);
  const largest = magnitudes.reduce((most, magnitude) => Math.max(most, magnitude), 0);
  const clear = magnitudes.filter((magnitude) => magnitude > largest / 20);
  return (2 * clear.reduce((sum, magnitude) => sum + magnitude, 0)) / clear.length;
}

/** The memory after a step, between the weights of the write heads, at its left, and those of the read heads. */
export function drawMemory(canvas: HTMLCanvasElement, { scene, palette, memoryScale }: Drawing, time: number): void {
  const context = prepare(canvas);
  const moment = scene.moments[time];
  const width = scene.network.options.memory_width;
  const box = {
    left: STRIP + 2,
    top: 1,
    width: canvas.clientWidth - 2 * STRIP - 4,
    height: canvas.clientHeight - BELOW - 2,
  };
  const content = makeBitmap(scene.slots, width, (slot, column) => {
    const value = moment.memory[slot * width + column] / memoryScale;
    return mix(palette.blank, [value < 0 ? palette.negative : palette.ink, Math.min(Math.abs(value), 1)]);
  });
  context.imageSmoothingEnabled = false;
  context.drawImage(content, box.left, box.top, box.width, box.height);
  const strips: [Float64Array[], Color, number][] = [
    [writeWeightings(scene, moment), palette.writing, 0],
    [readWeightings(scene, moment), palette.reading, canvas.clientWidth - STRIP],
  ];
  for (const [weightings, color, left] of strips) {
    const weights = strongestOf(weightings);
    const strip = makeBitmap(scene.slots, 1, (slot) => mix(palette.paper, [color, weights[slot]]));
    context.drawImage(strip, left, box.top, STRIP, box.height);
  }
  context.fillStyle = css(palette.pale);
  context.textBaseline = "bottom";
  context.textAlign = "center";
  context.fillText(
    canvas.clientWidth > 150 ? "content, purple below 0" : "content",
    canvas.clientWidth / 2,
    canvas.clientHeight,
  );
}

/** What every head was told over time: one number a step. */
export function drawGate(
  canvas: HTMLCanvasElement,
  { scene, palette }: Drawing,
  time: number,
  valueOf: (head: Head) => number,
  least: number,
  most: number | null,
): void {
  const context = prepare(canvas);
  const box = timeBox(canvas);
  const heads = scene.moments[0].heads.map((_, index) => scene.moments.map(({ heads }) => valueOf(heads[index])));
  const top = most ?? Math.max(Math.ceil(Math.max(...heads.flat())), least + 1);
  const y = (value: number) => box.top + 4 + ((top - value) / (top - least)) * (box.height - 8);
  drawAxis(context, box, palette, [
    [y(top), `${top}`],
    [y(least), `${least}`],
  ]);
  heads.forEach((values, index) => {
    const color = index < scene.network.options.read_heads ? palette.reading : palette.writing;
    drawLine(context, box, values, y, css(color, heads.length > 2 ? 0.6 : 1), []);
  });
  drawTime(context, box, time, scene.steps.length, palette);
}
