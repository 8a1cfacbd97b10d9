/** Drawing: colors, bitmaps, and the time axis that panels share. */

export type Color = [number, number, number];

export interface Palette {
  paper: Color;
  blank: Color;
  ink: Color;
  pale: Color;
  writing: Color;
  reading: Color;
  network: Color;
  negative: Color;
  wrong: Color;
}

/** Read the colors from the style sheet, which has a set for light and one for dark. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): Color => {
    const number = parseInt(style.getPropertyValue(`--${name}`).trim().slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  };
  return {
    paper: color("paper"),
    blank: color("blank"),
    ink: color("ink"),
    pale: color("pale"),
    writing: color("writing"),
    reading: color("reading"),
    network: color("network"),
    negative: color("negative"),
    wrong: color("wrong"),
  };
}

export const css = ([red, green, blue]: Color, alpha = 1) => `rgb(${red} ${green} ${blue} / ${alpha})`;

/** Go from one color towards others, each as far as its weight says. */
export function mix(base: Color, ...towards: [Color, number][]): Color {
  const mixed: Color = [...base];
  for (const [color, weight] of towards) {
    for (let channel = 0; channel < 3; channel++) mixed[channel] += weight * (color[channel] - base[channel]);
  }
  return mixed.map((channel) => Math.min(Math.max(channel, 0), 255)) as Color;
}

/** Make a canvas as fine as the screen, and clear it; lengths are then in CSS pixels. */
export function prepare(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const size = 0.69 * parseFloat(getComputedStyle(document.documentElement).fontSize);
  context.font = `${size}px ${getComputedStyle(canvas).fontFamily}`;
  return context;
}

/** Make an image with one pixel a cell; null leaves a cell out. */
export function makeBitmap(
  rows: number,
  columns: number,
  colorOf: (row: number, column: number) => Color | null,
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const color = colorOf(row, column);
      if (!color) continue;
      const start = 4 * (row * columns + column);
      image.data.set(color, start);
      image.data[start + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Draw an image into a box, sharp cells with fine lines between them where there is room. */
export function drawCells(context: CanvasRenderingContext2D, image: HTMLCanvasElement, box: Box, paper: Color): void {
  const [wide, high] = [box.width / image.width, box.height / image.height];
  context.imageSmoothingEnabled = wide < 1 || high < 1;
  context.drawImage(image, box.left, box.top, box.width, box.height);
  context.fillStyle = css(paper);
  if (wide >= 5)
    for (let x = 1; x < image.width; x++) context.fillRect(box.left + x * wide - 0.5, box.top, 1, box.height);
  if (high >= 5)
    for (let y = 1; y < image.height; y++) context.fillRect(box.left, box.top + y * high - 0.5, box.width, 1);
}

/** Pale what is still to come, and frame the column of the current step. */
export function drawTime(
  context: CanvasRenderingContext2D,
  box: Box,
  time: number,
  steps: number,
  palette: Palette,
): void {
  const column = box.width / steps;
  const [left, right] = [box.left + time * column, box.left + (time + 1) * column];
  context.fillStyle = css(palette.paper, 0.86);
  context.fillRect(right, box.top - 1, box.left + box.width - right + 1, box.height + 2);
  context.strokeStyle = css(palette.ink);
  context.lineWidth = 1.5;
  if (time < steps - 1 || column > 6)
    context.strokeRect(left - 0.5, box.top + 0.5, Math.max(column, 2) + 1, box.height - 1);
}
