"""What the provider answers, whatever the dialect: words, a call of a tool, or what a tool has said.

It calls a tool where tools are offered and none has answered since the model last spoke: the one that the user names (`use NAME {..}`), else
the first, if there are only a few. An agent brings dozens of tools with every request, and wants one when it says so.
"""

import dataclasses
import json
import re

WORDS = "The lighthouse is two miles to the east."
SHAPED = '{"harbour": "Lee", "miles": 12}'
THOUGHT = "East of here, I believe."
A_FEW_TOOLS = 4
ASKED_FOR = re.compile(r"\buse ([\w.-]+) (?=\{)")


class Refused(Exception):
    """A request that the real provider would refuse, or that this model always fails: a status and a sentence."""

    def __init__(self, message, status=400):
        super().__init__(message)
        self.message, self.status = message, status


@dataclasses.dataclass
class Question:
    """A request, as far as it matters to the answer."""

    model: str
    stream: bool
    tools: list[tuple[str, dict]]
    may_call: bool
    # What the user said last.
    said: str
    # What tools have said since the model last spoke.
    results: list[str]
    # Of all that the conversation holds.
    input_tokens: int
    thinks: bool = False


@dataclasses.dataclass
class Answer:
    """Words or a call, never both."""

    words: list[str]
    call: tuple[str, dict] | None
    thought: str
    input_tokens: int

    @property
    def text(self):
        return "".join(self.words)

    @property
    def arguments(self):
        return json.dumps(self.call[1])

    @property
    def thought_tokens(self):
        return count(self.thought)

    @property
    def output_tokens(self):
        """Without the thought."""
        return count(self.text) or count(self.arguments)


def answer(question):
    if question.model == "broken":
        raise Refused("This model is out of order.", 503)
    call = called(question)
    thought = THOUGHT if question.thinks else ""
    return Answer([] if call else split(text(question)), call, thought, question.input_tokens)


def text(question):
    if question.model == "shaped":
        return SHAPED
    if question.results:
        return "The tool said: " + " ".join(question.results)
    return WORDS


def called(question):
    if not question.tools or not question.may_call or question.results:
        return None
    offered = dict(question.tools)
    if asked := ASKED_FOR.search(question.said):
        if asked[1] not in offered:
            raise Refused(f"no tool {asked[1]}; there are: {', '.join(offered)}")
        return asked[1], json.JSONDecoder().raw_decode(question.said, asked.end())[0]
    if len(offered) > A_FEW_TOOLS:
        return None
    name, schema = question.tools[0]
    properties = schema.get("properties", {})
    return name, {each: emptiest(properties.get(each, {})) for each in schema.get("required", [])}


def emptiest(schema):
    kind = str(schema.get("type", "string")).lower()
    values = {"number": 0, "integer": 0, "boolean": False, "array": [], "object": {}}
    return (schema.get("enum") or [values.get(kind, "example")])[0]


def split(text):
    """Pieces of a stream: a word and the space after it."""
    return re.findall(r"\S+\s*|\s+", text)


def halves(text):
    """Arguments arrive in pieces, cut where it suits nobody."""
    cut = max(1, len(text) // 2)
    return [piece for piece in (text[:cut], text[cut:]) if piece]


def count(*texts):
    """A token is a word."""
    return sum(len(text.split()) for text in texts)


def known(members, allowed, where, sentence):
    """Refuses a member that the API does not have."""
    for name in members:
        if name not in allowed:
            raise Refused(sentence.format(where=where, name=name))
