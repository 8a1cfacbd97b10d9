import { associativeRecall } from "./associative_recall.js";
import { copy } from "./copy.js";
import { ngrams } from "./ngrams.js";
import { prioritySort } from "./priority_sort.js";
import { repeatCopy } from "./repeat_copy.js";
import type { Task } from "./task.js";

export const TASKS: Task[] = [copy, repeatCopy, associativeRecall, prioritySort, ngrams];
