"""The built page in a browser, on a phone and on a desktop: everything that a person does there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tapehead.pretrained import NAMES
from tests.page.conftest import TOOLS, InNode
from tests.page.rounded import rounded_network
from tests.page.visit import SIZES, Visit

pytestmark = pytest.mark.page

TASKS = [name.removesuffix("-ntm") for name in NAMES]
LONGER = {
    "associative_recall": "All 18 bits right.",
    "copy": "All 960 bits right.",
    "priority_sort": "bits",  # 30 vectors are more than it always sorts without an error
    "repeat_copy": "All 1600 bits right.",
    "ngrams": "bits so far; the best possible: ",
}
PRINTED = 1e-4
"""The table rounds weights to four places, and probabilities to six."""

Open = Callable[..., Visit]


def test_the_built_page_is_below_500_kb(built_page: Path) -> None:
    assert sum(path.stat().st_size for path in built_page.rglob("*") if path.is_file()) < 500_000


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_shown_solved_and_fits_the_window(task: str, size: str, visit: Open) -> None:
    here = visit(task, size=size)
    assert here.page.locator("#tasks input:checked").get_attribute("value") == task
    assert here.time == here.steps
    assert here.read("sentence").startswith(f"Step {here.steps} of {here.steps}. ")
    assert "wrong" not in here.read("verdict")
    assert here.overflow("html") == 0
    assert here.overflow("#editor") == 0


@pytest.mark.parametrize("task", TASKS)
def test_nothing_overflows_the_narrowest_phone(task: str, visit: Open) -> None:
    here = visit(task, size="phone")
    here.page.set_viewport_size({"width": 360, "height": 740})
    here.wait_for_picture()
    assert here.overflow("#editor") == 0
    here.click("Longer than it ever saw")
    assert here.overflow("html") == 0


@pytest.mark.parametrize("task", TASKS)
def test_the_numbers_are_python_s(task: str, visit: Open, in_node: InNode) -> None:
    here = visit(task)
    here.click("Random")
    here.set_slider("Memory", 5)  # 24 slots, or 16
    slots = int(here.read("slots-value").split()[0])
    (asked,) = in_node([{"what": "encode", "task": task, "question": here.question()}])
    inputs = torch.tensor([step["input"] for step in asked], dtype=torch.float64)
    model = rounded_network(f"{task}-ntm")
    trace = model.trace(inputs.unsqueeze(1), model.initial_state(1, slots))
    weightings = torch.cat([trace.states.read_weightings, trace.states.write_weightings], dim=2)[:, 0]
    assert here.steps == len(inputs)
    for step in (1, here.steps // 3, here.steps // 2, here.steps):
        here.go_to(step)
        expected = torch.sigmoid(trace.outputs[step - 1, 0]).tolist()
        assert here.outputs() == pytest.approx(expected, abs=1e-5)
        largest = [float(row[2]) for row in here.heads()]
        assert largest == pytest.approx(weightings[step - 1].amax(-1).tolist(), abs=PRINTED)


def test_a_task_is_chosen_and_what_was_drawn_elsewhere_is_kept(visit: Open) -> None:
    here = visit("copy")
    drawn = here.question()
    here.page.get_by_role("radio", name="Recall").check()
    here.page.wait_for_function("document.getElementById('query').value !== ''")
    assert here.page.url.endswith("#associative_recall")
    assert len(here.question()["vectors"]) == 15
    here.page.get_by_role("radio", name="Copy", exact=True).check()
    here.wait_for_picture()
    assert here.question() == drawn


def test_a_bit_is_drawn_by_mouse_and_the_answer_follows(visit: Open) -> None:
    here = visit("copy")
    before = here.question()["vectors"]
    here.page.get_by_label("vector 3, bit 2", exact=True).click()
    here.wait_for_picture()
    after = here.question()["vectors"]
    assert after[2][1] == 1 - before[2][1]
    here.go_to(here.steps - len(after) + 3)
    assert round(here.outputs()[1]) == after[2][1]


def test_a_stroke_gives_all_bits_on_its_way_one_value(visit: Open) -> None:
    here = visit("copy")
    first, last = (here.page.get_by_label(f"vector {vector}, bit 1", exact=True).bounding_box() for vector in (1, 6))
    value = 1 - here.question()["vectors"][0][0]
    here.page.mouse.move(first["x"] + 5, first["y"] + 5)
    here.page.mouse.down()
    here.page.mouse.move(last["x"] + 5, last["y"] + 5, steps=20)
    here.page.mouse.up()
    here.wait_for_picture()
    assert [vector[0] for vector in here.question()["vectors"][:6]] == [value] * 6


def test_a_bit_is_drawn_by_touch_on_grids_that_fit_and_that_scroll(visit: Open) -> None:
    here = visit("copy", size="phone")
    for vectors in (12, 60):
        here.set_slider("Vectors", vectors)
        before = here.question()["vectors"]
        here.page.get_by_label("vector 2, bit 4", exact=True).tap()
        here.wait_for_picture()
        assert here.question()["vectors"][1][3] == 1 - before[1][3]


def test_the_grid_is_one_stop_of_the_tab_key_and_drawn_by_arrows_and_space(visit: Open) -> None:
    here = visit("copy")
    before = here.question()["vectors"]
    here.page.get_by_label("Text").focus()
    keyboard = here.page.keyboard
    for key in ("Tab", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "Space"):
        keyboard.press(key)
    here.wait_for_picture()
    assert here.page.evaluate("document.activeElement.ariaLabel") == "vector 2, bit 2"
    assert here.question()["vectors"][1][1] == 1 - before[1][1]
    keyboard.press("Tab")
    assert here.page.evaluate("document.activeElement.textContent") == "Random"


def test_a_text_becomes_bits_and_is_read_back(visit: Open) -> None:
    here = visit("copy")
    here.page.get_by_label("Text").fill("Möbius")
    here.wait_for_picture()
    assert here.question()["vectors"] == [[int(bit) for bit in f"{byte:08b}"] for byte in "Möbius".encode()]
    assert here.read("verdict") == "All 56 bits right. It reads “Möbius”."
    here.click("Random")
    assert here.page.get_by_label("Text").input_value() == ""


def test_a_pattern_is_repeated_and_soon_predicted(visit: Open) -> None:
    here = visit("ngrams")
    here.page.get_by_label("Pattern").fill("00101")
    here.wait_for_picture()
    assert here.question()["vectors"] == [[int(bit)] for bit in "00101" * 40]
    here.go_to(200)
    assert here.outputs()[0] > 0.9


def test_sizes_repeats_and_queries_are_chosen(visit: Open) -> None:
    here = visit("repeat_copy")
    here.set_slider("Vectors", 3)
    here.set_slider("Repeats", 7)
    assert (here.steps, here.read("verdict")) == (2 + 3 + 21, "All 168 bits right.")
    here = visit("associative_recall")
    here.set_slider("Items", 4)
    here.page.get_by_label("Query").select_option("item 2")
    here.wait_for_picture()
    here.go_to(4 * 4 + 1)
    assert "The query begins: item 2 again." in here.read("sentence")


def test_priorities_are_chosen_and_sorted_by(visit: Open) -> None:
    here = visit("priority_sort")
    question = here.question()
    for vector, priority in enumerate(question["priorities"], start=1):
        if priority > 0.8:
            here.set_slider(f"priority of vector {vector}", 0)
    for answer, (vector, priority) in enumerate(((5, 1), (9, 0.9)), start=1):
        here.set_slider(f"priority of vector {vector}", priority)
        here.go_to(20 + 1 + answer)
        assert [round(output) for output in here.outputs()] == question["vectors"][vector - 1]


@pytest.mark.parametrize("size", SIZES)
def test_playing_goes_from_the_beginning_to_the_end_and_is_paused(size: str, visit: Open) -> None:
    here = visit("copy", size=size)
    here.page.get_by_label("Speed").select_option("6 steps/s")
    here.page.get_by_role("button", name="Play", exact=True).click()
    assert here.time < 6
    assert here.page.locator("#sentence").get_attribute("aria-live") == "off"
    here.page.wait_for_function("document.getElementById('time').value >= 4")
    here.click("Pause")
    paused = here.time
    assert paused < here.steps
    assert here.page.locator("#sentence").get_attribute("aria-live") == "polite"
    here.page.wait_for_timeout(400)
    assert here.time == paused
    here.page.get_by_label("Speed").select_option("60 steps/s")
    here.click("Play")
    here.page.wait_for_function("document.getElementById('play-name').textContent === 'Play'")
    assert here.time == here.steps


def test_steps_are_taken_one_by_one_by_buttons_keys_and_on_the_pictures(visit: Open) -> None:
    here = visit("copy")
    here.click("One step back")
    here.click("One step back")
    here.click("One step forward")
    assert here.time == here.steps - 1
    here.page.get_by_label("Time step").focus()
    here.page.keyboard.press("Home")
    assert (
        here.read("sentence") == "Step 1 of 25. Vector 1 of 12 comes in. The write head writes to slot 1."
        " The read head reads slot 0, which was not written."
    )
    heads = here.page.locator("#heads")
    heads.click(position={"x": 30 + (heads.bounding_box()["width"] - 32) * 4.5 / 25, "y": 40})
    assert here.time == 5


def test_the_memory_is_made_larger_and_too_small(visit: Open) -> None:
    here = visit("copy")
    verdicts = {}
    for place in range(15):
        here.set_slider("Memory", place)
        verdicts[int(here.read("slots-value").removesuffix(" slots"))] = here.read("verdict")
    assert {slots for slots, verdict in verdicts.items() if verdict == "All 96 bits right."} == {
        slots for slots in verdicts if slots > 12
    }
    assert "of 96 bits wrong." in verdicts[8]


@pytest.mark.parametrize("task", TASKS)
def test_sequences_longer_than_in_training_are_answered(task: str, visit: Open) -> None:
    here = visit(task)
    before = here.steps
    here.click("Longer than it ever saw")
    assert here.steps > 1.3 * before
    assert LONGER[task] in here.read("verdict")


@pytest.mark.parametrize(
    ("task", "size", "scheme"), [*((task, "phone", "dark") for task in TASKS), ("copy", "desktop", "light")]
)
def test_axe_finds_nothing_that_keeps_anybody_out(task: str, size: str, scheme: str, visit: Open) -> None:
    here = visit(task, size=size, color_scheme=scheme)
    here.page.locator("summary").click()
    here.page.evaluate((TOOLS / "axe-core" / "axe.min.js").read_text())
    found = here.page.evaluate("axe.run({ preload: false })")["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def test_the_pictures_follow_the_color_scheme(visit: Open) -> None:
    here = visit("copy")
    paint = "document.getElementById('heads').toDataURL()"
    light = here.page.evaluate(paint)
    here.page.emulate_media(color_scheme="dark")
    here.wait_for_picture()
    assert here.page.evaluate(paint) != light


def test_whoever_wants_less_motion_starts_slowly(visit: Open) -> None:
    here = visit("copy", reduced_motion="reduce")
    assert here.page.get_by_label("Speed").input_value() == "2"
