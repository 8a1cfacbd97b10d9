/** The grid of bits that a person draws, by mouse, touch or keyboard, and the priorities below it. */

import type { Question, Task } from "./tasks/task.js";

const BITS_A_LINE = 20; // of a sequence of single bits, which is read line by line

const GAP = 5; // pixels between groups of vectors, as in the style sheet

/** Show a question; `onEdit` is told whenever a person has changed it, which is done in place. */
export function showEditor(root: HTMLElement, task: Task, question: Question, onEdit: () => void): void {
  const cells = document.createElement("div");
  const columns = task.bits === 1 ? BITS_A_LINE : question.vectors.length;
  const wide = fitCells(root, columns, task.groups > 1 ? question.vectors.length / task.groups : 1);
  cells.className = wide ? "cells wide" : "cells";
  cells.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  cells.setAttribute("role", "group");
  cells.setAttribute("aria-label", "Bits of the sequence: arrow keys move, space changes a bit");
  const places = placeBits(task, question);
  cells.append(...places.map(([vector, bit]) => makeCell(task, question, vector, bit)));
  const buttons = [...cells.children] as HTMLButtonElement[];
  const set = (index: number, value: number) => {
    const [vector, bit] = places[index];
    if (question.vectors[vector][bit] === value) return;
    question.vectors[vector][bit] = value;
    buttons[index].setAttribute("aria-pressed", String(value === 1));
    onEdit();
  };
  const toggle = (index: number) => set(index, 1 - question.vectors[places[index][0]][places[index][1]]);
  moveByKeys(cells, buttons, columns);
  drawByPointer(cells, buttons, wide, set, toggle);
  root.replaceChildren(cells, ...(task.hasPriorities ? [makePriorities(question, onEdit)] : []));
}

/** Make cells as large as fits, and say whether the grid is wider than the page even so. */
function fitCells(root: HTMLElement, columns: number, groups: number): boolean {
  const room = root.clientWidth - 8 - GAP * (groups - 1); // less the padding, and the gaps between groups
  const cell = Math.floor(Math.min(Math.max(room / columns - 1, 14), 26));
  root.style.setProperty("--cell", `${cell}px`);
  return columns * (cell + 1) > room + 1;
}

/** The bits in the order in which they are shown, row by row: a column is a vector. */
function placeBits(task: Task, { vectors }: Question): [number, number][] {
  return Array.from({ length: task.bits }, (_, bit) =>
    vectors.map((_, vector): [number, number] => [vector, bit]),
  ).flat();
}

function makeCell(task: Task, question: Question, vector: number, bit: number): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = vector === 0 && bit === 0 ? 0 : -1;
  button.setAttribute("aria-pressed", String(question.vectors[vector][bit] === 1));
  const group = Math.floor(vector / task.groups);
  if (task.groups > 1 && vector > 0 && vector % task.groups === 0) button.classList.add("first");
  if (task.hasQuery && group === question.query) button.classList.add("queried");
  const item = task.groups > 1 ? `item ${group + 1}, ` : "";
  button.setAttribute(
    "aria-label",
    task.bits === 1
      ? `bit ${vector + 1}`
      : `${item}vector ${(vector % task.groups) + 1 + (task.groups > 1 ? 0 : group)}, bit ${bit + 1}`,
  );
  return button;
}

/** One of the cells is in the order of the Tab key; arrow keys go on from there. */
function moveByKeys(cells: HTMLElement, buttons: HTMLButtonElement[], columns: number): void {
  const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  cells.addEventListener("keydown", (event) => {
    const from = buttons.indexOf(event.target as HTMLButtonElement);
    const next = buttons[from + moves[event.key]];
    if (from < 0 || !next) return;
    event.preventDefault();
    buttons[from].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

/** A click changes a bit; a stroke gives all the bits that it passes the first one's new value. */
function drawByPointer(
  cells: HTMLElement,
  buttons: HTMLButtonElement[],
  wide: boolean,
  set: (index: number, value: number) => void,
  toggle: (index: number) => void,
): void {
  let value: number | null = null;
  let drawn = false; // where the pointer went down, so that the click that follows changes nothing more
  const indexOf = (target: EventTarget | null) => buttons.indexOf(target as HTMLButtonElement);
  cells.addEventListener("pointerdown", (event) => {
    const index = indexOf(event.target);
    const scrolls = wide && event.pointerType === "touch";
    drawn = index >= 0 && event.button === 0 && !scrolls;
    if (!drawn) return;
    cells.setPointerCapture(event.pointerId);
    toggle(index);
    value = Number(buttons[index].getAttribute("aria-pressed") === "true");
  });
  cells.addEventListener("pointermove", (event) => {
    if (value === null) return;
    const index = indexOf(document.elementFromPoint(event.clientX, event.clientY));
    if (index >= 0) set(index, value);
  });
  for (const end of ["pointerup", "pointercancel"]) cells.addEventListener(end, () => (value = null));
  cells.addEventListener("click", (event) => {
    const index = indexOf(event.target);
    const byKeys = event.detail === 0;
    if (index >= 0 && (byKeys || !drawn)) toggle(index); // also by a screen reader, or by a tap on a grid that scrolls
    drawn = false;
  });
}

function makePriorities(question: Question, onEdit: () => void): HTMLElement {
  const row = document.createElement("div");
  row.className = "priorities";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Priorities of the vectors");
  row.append(
    ...question.priorities.map((priority, vector) => {
      const slider = document.createElement("input");
      Object.assign(slider, { type: "range", min: "-1", max: "1", step: "0.01", value: `${priority}` });
      slider.setAttribute("aria-label", `priority of vector ${vector + 1}`);
      slider.addEventListener("input", () => {
        question.priorities[vector] = Number(slider.value);
        onEdit();
      });
      return slider;
    }),
  );
  return row;
}
