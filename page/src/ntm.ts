/** One step of the Neural Turing Machine, and a whole sequence of them (Graves et al. 2014, section 3). */

import { addressByContent, interpolate, inverseNorms, sharpen, shift, softmaxOfProduct } from "./addressing.js";
import type { Matrix, Network, Options } from "./network.js";

export interface Head {
  key: Float64Array;
  strength: number; // beta
  gate: number; // g
  shifts: Float64Array; // of the offsets -1, 0 and +1
  sharpening: number; // gamma
}

export interface State {
  memory: Float64Array; // (N, W), row by row
  weightings: Float64Array[]; // of the read heads, then of the write heads
  reads: Float64Array[];
  hidden: Float64Array;
  cell: Float64Array;
}

/** What happened in a step: the state after it, the heads' parameters, and the output. */
export interface Moment extends State {
  heads: Head[]; // read heads first
  logits: Float64Array;
}

/** Run the network over a sequence, on a memory of so many slots. */
export function runNetwork(network: Network, inputs: Float64Array[], slots: number): Moment[] {
  let state = initialState(network, slots);
  return inputs.map((input) => {
    const moment = runStep(network, input, state);
    state = moment;
    return moment;
  });
}

export function initialState({ options, weights }: Network, slots: number): State {
  const { memory_width: width, read_heads, write_heads, hidden_size } = options;
  const { rows, values } = weights.memory;
  const memory = new Float64Array(slots * width).map((_, index) => values[index % (rows * width)]);
  const firstSlot = () => new Float64Array(slots).map((_, slot) => (slot === 0 ? 1 : 0));
  return {
    memory,
    weightings: Array.from({ length: read_heads + write_heads }, firstSlot),
    reads: Array.from({ length: read_heads }, () => new Float64Array(width)),
    hidden: new Float64Array(hidden_size),
    cell: new Float64Array(hidden_size),
  };
}

/** The controller sees the input and the previous reads; the heads read the memory as it is, then write. */
export function runStep({ options, weights }: Network, input: Float64Array, state: State): Moment {
  const { read_heads: readHeads, memory_width: width, clip } = options;
  const gates = sum([
    weights.gate_bias.values,
    multiply(weights.input_to_gates, input),
    multiply(weights.reads_to_gates, concatenate(state.reads)),
    multiply(weights.hidden_to_gates, state.hidden),
  ]);
  const { hidden, cell } = lstm(gates, state.cell);
  const raw = clamp(sum([weights.head_bias.values, multiply(weights.heads, hidden)]), clip);
  const { heads, erase, added } = splitHeads(raw, options);
  const norms = inverseNorms(state.memory, width);
  const weightings = heads.map((head, index) => address(state.memory, norms, state.weightings[index], head, options));
  const reads = weightings.slice(0, readHeads).map((weighting) => read(state.memory, weighting, width));
  const memory = state.memory.slice();
  weightings.slice(readHeads).forEach((weighting, head) => write(memory, weighting, erase[head], added[head]));
  const answer = multiply(weights.readout, concatenate([hidden, ...reads]));
  const logits = clamp(sum([weights.readout_bias.values, answer]), clip);
  return { memory, weightings, reads, hidden, cell, heads, logits };
}

/** One step of an LSTM layer from its gates before their activations: input, forget, cell, output. */
function lstm(gates: Float64Array, previous: Float64Array): { hidden: Float64Array; cell: Float64Array } {
  const size = previous.length;
  const cell = previous.map(
    (value, unit) => sigmoid(gates[size + unit]) * value + sigmoid(gates[unit]) * Math.tanh(gates[2 * size + unit]),
  );
  return { hidden: cell.map((value, unit) => sigmoid(gates[3 * size + unit]) * Math.tanh(value)), cell };
}

/** Split the head layer's output as NTMOptions.head_sizes says, and bring each part into its range. */
function splitHeads(raw: Float64Array, options: Options) {
  const { read_heads, write_heads, memory_width: width } = options;
  const count = read_heads + write_heads;
  let start = 0;
  const take = (size: number, sizeOfEach: number) => {
    const part = raw.subarray(start, (start += size * sizeOfEach));
    return Array.from({ length: size }, (_, index) => part.slice(index * sizeOfEach, (index + 1) * sizeOfEach));
  };
  const located = options.addressing === "content_and_location" ? count : 0;
  const keys = take(count, width);
  const strengths = take(count, 1);
  const gates = take(located, 1);
  const shifts = take(located, 3);
  const sharpenings = take(located, 1);
  const heads = keys.map((key, head): Head => {
    const common = { key: key.map(Math.tanh), strength: softplus(strengths[head][0]) };
    if (!located) return { ...common, gate: 1, shifts: Float64Array.of(0, 1, 0), sharpening: 1 };
    return {
      ...common,
      gate: sigmoid(gates[head][0]),
      shifts: softmaxOfProduct(1, shifts[head]),
      sharpening: 1 + softplus(sharpenings[head][0]),
    };
  });
  return {
    heads,
    erase: take(write_heads, width).map((row) => row.map(sigmoid)),
    added: take(write_heads, width).map((row) => row.map(Math.tanh)),
  };
}

function address(
  memory: Float64Array,
  norms: Float64Array,
  previous: Float64Array,
  head: Head,
  options: Options,
): Float64Array {
  const byContent = addressByContent(memory, norms, head.key, head.strength);
  if (options.addressing === "content") return byContent;
  return sharpen(shift(interpolate(byContent, previous, head.gate), head.shifts), head.sharpening);
}

/** r = sum_i w(i) M(i). */
function read(memory: Float64Array, weighting: Float64Array, width: number): Float64Array {
  const result = new Float64Array(width);
  for (let slot = 0; slot < weighting.length; slot++) {
    for (let column = 0; column < width; column++) result[column] += weighting[slot] * memory[slot * width + column];
  }
  return result;
}

/** M <- M (1 - w e^T) + w a^T, in place. */
function write(memory: Float64Array, weighting: Float64Array, erase: Float64Array, added: Float64Array): void {
  const width = erase.length;
  for (let slot = 0; slot < weighting.length; slot++) {
    const weight = weighting[slot];
    for (let column = 0; column < width; column++) {
      const index = slot * width + column;
      memory[index] = memory[index] * (1 - weight * erase[column]) + weight * added[column];
    }
  }
}

function multiply({ rows, columns, values }: Matrix, vector: Float64Array): Float64Array {
  const product = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let total = 0;
    const start = row * columns;
    for (let column = 0; column < columns; column++) total += values[start + column] * vector[column];
    product[row] = total;
  }
  return product;
}

function concatenate(parts: Float64Array[]): Float64Array {
  const joined = new Float64Array(parts.reduce((total, part) => total + part.length, 0));
  let start = 0;
  for (const part of parts) {
    joined.set(part, start);
    start += part.length;
  }
  return joined;
}

const sum = (vectors: Float64Array[]) =>
  vectors.reduce((total, vector) => total.map((value, index) => value + vector[index]));
const clamp = (values: Float64Array, bound: number | null) =>
  bound === null ? values : values.map((value) => Math.min(Math.max(value, -bound), bound));

export const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
const softplus = (value: number) => Math.log1p(Math.exp(value));
