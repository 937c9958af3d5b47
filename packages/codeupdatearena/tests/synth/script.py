"""A model that invents an update of a function `floor`, as told."""

import json

from tenpapers.generation import Completion

GOOD = "def floor(x, step=1):\n    return old_floor(x / step) * step"
SOLUTION = "def price(x):\n    return math.floor(x, step=5)"
PROBLEM = {
    "scenario": "A cinema sells tickets.",
    "problem": "Round the price down to multiples of five.",
    "solution_signature": "def price(x):",
}


class Script:
    """A backend that knows each kind of question by its last message.

    Parameters
    ----------
    implementation, solution : the code it writes.
    wrong_answers : so many tests expect something wrong.
    junk : so many first responses are none.
    tests : how many it writes.
    module : that has the function.
    """

    family, model, identity = "script", "scripted", "1"

    def __init__(
        self,
        implementation=GOOD,
        wrong_answers=0,
        solution=SOLUTION,
        junk=0,
        tests=10,
        module="math",
    ):
        self.implementation, self.solution = implementation, solution.replace("math", module)
        self.wrong_answers, self.junk, self.tests, self.module = wrong_answers, junk, tests, module
        self.calls = 0

    def answer(self, user):
        if self.junk:
            self.junk -= 1
            return "I would rather not."
        if user.startswith("Parent: "):
            spec = {
                "description": "Add the argument step.",
                "rationale": "Rounding to steps is common.",
                "signature": f"{self.module}.floor(x, step=1)",
                "docstring": "Round down to a multiple of step.",
            }
            return "```json\n" + json.dumps(spec) + "\n```"
        if "The solution takes" in user:
            return json.dumps(PROBLEM)
        if "Answer with a JSON list" in user:
            call = "price(x)" if "tests for def" in user else f"{self.module}.floor(x, step=5)"
            return json.dumps([skeleton(i, call) for i in range(self.tests)])
        if "belongs at `# @ANSWER@`" in user:
            number = int(user.split("def test_")[1].split("(")[0])
            value = "-1" if number < self.wrong_answers else "x - x % 5"
            return f"```python\n    expected_result = {value}\n```"
        if "belongs at `# @ASSERT@`" in user:
            return "```python\nassert result == expected_result\n```"
        if "Which import lines" in user:
            return f"```python\nimport {self.module}\nimport not_there_at_all\n```"
        if "Write the updated function" in user:
            return f"```python\n{self.implementation}\n```"
        if "Solve this problem" in user:
            return f"```python\n{self.solution}\n```"
        return "Rounds down."

    def stream(self, requests, keep):
        for request in requests:
            self.calls += 1
            text = self.answer(request.messages[-1].content)
            completion = Completion(id=request.id, text=text, finish_reason="stop")
            keep(completion)
            yield completion

    def close(self):
        pass


def skeleton(i, call):
    return (
        f"def test_{i}():\n    x = {i * 7}\n    result = {call}\n    # @ANSWER@\n    # @ASSERT@\n"
    )
