"""What can be learned: every file here that defines a task makes one, whose name is the file's."""

from importlib import import_module
from pkgutil import iter_modules

from tapehead.tasks.associative_recall import AssociativeRecall
from tapehead.tasks.batch import Batch, Encoding, Size, Sizes, spell_size
from tapehead.tasks.binary_addition import BinaryAddition
from tapehead.tasks.binary_multiplication import BinaryMultiplication
from tapehead.tasks.bucket_sort import BucketSort
from tapehead.tasks.compute_sqrt import ComputeSqrt
from tapehead.tasks.copy import Copy
from tapehead.tasks.cycle_navigation import CycleNavigation
from tapehead.tasks.duplicate_string import DuplicateString
from tapehead.tasks.even_pairs import EvenPairs
from tapehead.tasks.group_words import GroupWords
from tapehead.tasks.missing_duplicate import MissingDuplicate
from tapehead.tasks.modular_arithmetic import ModularArithmetic
from tapehead.tasks.modular_arithmetic_brackets import ModularArithmeticBrackets
from tapehead.tasks.mqar import MQAR
from tapehead.tasks.ngrams import NGrams
from tapehead.tasks.odds_first import OddsFirst
from tapehead.tasks.parity_check import ParityCheck
from tapehead.tasks.priority_sort import PrioritySort
from tapehead.tasks.repeat_copy import RepeatCopy
from tapehead.tasks.reverse import Reverse
from tapehead.tasks.solve_equation import SolveEquation
from tapehead.tasks.stack_manipulation import StackManipulation
from tapehead.tasks.strings import StringTask
from tapehead.tasks.targets import BitTask, SymbolTask
from tapehead.tasks.task import StreamTask, Task
from tapehead.tasks.text import Text

__all__ = [
    "MQAR",
    "TASKS",
    "AssociativeRecall",
    "Batch",
    "BinaryAddition",
    "BinaryMultiplication",
    "BitTask",
    "BucketSort",
    "ComputeSqrt",
    "Copy",
    "CycleNavigation",
    "DuplicateString",
    "Encoding",
    "EvenPairs",
    "GroupWords",
    "MissingDuplicate",
    "ModularArithmetic",
    "ModularArithmeticBrackets",
    "NGrams",
    "OddsFirst",
    "ParityCheck",
    "PrioritySort",
    "RepeatCopy",
    "Reverse",
    "Size",
    "Sizes",
    "SolveEquation",
    "StackManipulation",
    "StreamTask",
    "StringTask",
    "SymbolTask",
    "Task",
    "Text",
    "spell_size",
]


def _find_tasks() -> dict[str, type[Task]]:
    """Import every module of this package, and take the task that is defined in it."""
    found = {}
    for module in iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            own = isinstance(value, type) and value.__module__ == f"{__name__}.{module.name}"
            if own and issubclass(value, Task) and not value.__abstractmethods__:
                found[module.name] = value
    return found


TASKS: dict[str, type[Task]] = _find_tasks()
"""Every task by its name; see `find` in `tapehead.training.components` for tasks of your own."""
