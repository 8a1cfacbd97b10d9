"""A person at the page: what can be done there, and what can be read."""

from pathlib import Path
from typing import Any

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
READY = "document.getElementById('sentence').textContent !== ''"


class Visit:
    """The page in a window of its own, opened as a file.

    Attributes:
        complaints: What the browser wrote to its console, and errors.
        requests: The addresses of all that was asked for.
    """

    def __init__(self, browser: Any, built_page: Path, task: str, *, size: str = "desktop", **settings: Any) -> None:
        self.context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", **settings)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url.removeprefix("data:,") or request.url))
        self.page.goto(f"{(built_page / 'index.html').as_uri()}#{task}")
        self.page.wait_for_function(READY)

    def close(self) -> None:
        self.context.close()

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait_for_picture()

    def set_slider(self, label: str, value: int) -> None:
        slider = self.page.get_by_label(label, exact=True)
        slider.evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )
        self.wait_for_picture()

    def wait_for_picture(self) -> None:
        """Wait for the next frame, in which the network has been run again."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def read(self, identity: str) -> str:
        return str(self.page.locator(f"#{identity}").text_content())

    @property
    def time(self) -> int:
        """The step that is shown, from 1."""
        return int(self.page.get_by_label("Time step").input_value())

    @property
    def steps(self) -> int:
        return int(self.page.get_by_label("Time step").get_attribute("max"))

    def go_to(self, step: int) -> None:
        self.set_slider("Time step", step)

    def question(self) -> dict[str, Any]:
        """Read what is drawn off the page: the bits vector by vector, and what else a task has."""
        cells = self.page.locator("#editor .cells button").evaluate_all(
            "(cells) => cells.map((cell) => [cell.ariaLabel, cell.ariaPressed])"
        )
        bits: dict[str, list[int]] = {}
        for label, pressed in cells:
            bits.setdefault(label.rpartition(", bit ")[0] or label, []).append(int(pressed == "true"))
        priorities = self.page.locator(".priorities input").evaluate_all("(all) => all.map((one) => Number(one.value))")
        query = self.page.locator("#query").evaluate("(select) => Number(select.value || 0)")
        repeats = self.page.locator("#repeats").evaluate("(slider) => Number(slider.value)")
        return {"vectors": list(bits.values()), "priorities": priorities, "query": query, "repeats": repeats}

    def heads(self) -> list[list[str]]:
        """Read the table of numbers: for each head its name, its first slot, and its numbers."""
        rows = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
        return self.page.locator("#head-numbers tr").evaluate_all(rows)

    def outputs(self) -> list[float]:
        return [float(number) for number in self.read("output-numbers").split()]

    def overflow(self, selector: str) -> int:
        """How much wider than an element what it holds is, in pixels."""
        return int(self.page.locator(selector).evaluate("(element) => element.scrollWidth - element.clientWidth"))
