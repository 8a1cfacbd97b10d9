/** Trained networks, as export_weights.py wrote them: options, and matrices as text. */

export interface Matrix {
  rows: number;
  columns: number;
  values: Float64Array; // row by row
}

export interface Options {
  task: Record<string, number | string>;
  input_size: number;
  output_size: number;
  hidden_size: number;
  memory_slots: number;
  memory_width: number;
  read_heads: number;
  write_heads: number;
  addressing: "content_and_location" | "content";
  clip: number | null;
  memory_init: "constant" | "random";
}

export interface Weights {
  input_to_gates: Matrix; // (4 D, I)
  reads_to_gates: Matrix; // (4 D, R W)
  hidden_to_gates: Matrix; // (4 D, D)
  gate_bias: Matrix; // (1, 4 D), as all biases of one row
  heads: Matrix; // (P, D)
  head_bias: Matrix;
  readout: Matrix; // (O, D + R W)
  readout_bias: Matrix;
  memory: Matrix; // M_0, (N, W), or the one row that a constant memory repeats
}

export interface Network {
  options: Options;
  weights: Weights;
}

interface WrittenMatrix {
  shape: [number, number];
  digits: number;
  unit: number;
  scales: string;
  levels: string;
}

export type WrittenNetwork = Options & { matrices: Record<keyof Weights, WrittenMatrix> };

declare global {
  var networks: Record<string, WrittenNetwork> | undefined;
}

const CHARACTERS = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).filter(
  (character) => character !== '"' && character !== "\\",
);
const BASE = CHARACTERS.length;
const DIGIT_OF = new Map(CHARACTERS.map((character, digit) => [character, digit]));

/** Networks are scripts, since a page that is opened as a file cannot fetch; each is loaded when it is first wanted. */
export function loadNetwork(name: string, onMissing: (file: string) => void): Promise<Network> {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `${name}.js`;
    script.onload = () => resolve(readNetwork(globalThis.networks![name]));
    script.onerror = () => onMissing(script.src);
    document.head.append(script);
  });
}

/** Read a network: every weight is a whole multiple of its row's scale. */
export function readNetwork({ matrices, ...options }: WrittenNetwork): Network {
  const entries = Object.entries(matrices).map(([name, matrix]) => [name, readMatrix(matrix)]);
  return { options, weights: Object.fromEntries(entries) as Weights };
}

function readMatrix(written: WrittenMatrix): Matrix {
  const [rows, columns] = written.shape;
  const scales = readNumbers(written.scales, 2);
  const middle = Math.floor(BASE ** written.digits / 2);
  const values = Float64Array.from(
    readNumbers(written.levels, written.digits),
    (level, index) => (level - middle) * (written.unit * scales[Math.floor(index / columns)]),
  );
  return { rows, columns, values };
}

/** Read whole numbers in base 93, of so many digits each, the highest digit first. */
function readNumbers(text: string, digits: number): number[] {
  const numbers = [];
  for (let start = 0; start < text.length; start += digits) {
    let number = 0;
    for (let place = start; place < start + digits; place++) number = number * BASE + DIGIT_OF.get(text[place])!;
    numbers.push(number);
  }
  return numbers;
}
