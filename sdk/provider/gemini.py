"""generateContent as Google's reference has it (https://ai.google.dev/api/generate-content), with its refusals and its signatures."""

import base64
import hashlib
import json
import re

from . import script
from .script import Question, Refused

UNKNOWN = 'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
MEMBERS = set("contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent model labels serviceTier store".split())
CONFIG = set(
    "stopSequences responseMimeType responseSchema responseJsonSchema _responseJsonSchema responseModalities candidateCount maxOutputTokens"
    " temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig"
    " thinkingConfig imageConfig mediaResolution responseFormat".split()
)
PART = set("text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode codeExecutionResult videoMetadata mediaResolution partMetadata".split())
DECLARATION = set("name description behavior parameters parametersJsonSchema response responseJsonSchema".split())
# An OpenAPI 3.0 schema, or the part of it that Google takes.
SCHEMA = set(
    "type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength maxLength"
    " pattern example anyOf propertyOrdering default items minimum maximum".split()
)
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
# What Google documents for a history that it did not sign.
UNSIGNED = {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}


def read(body, headers, path):
    body = camel(body)
    script.known(body, MEMBERS, "", UNKNOWN)
    config = body.get("generationConfig") or {}
    script.known(config, CONFIG, " at 'generation_config'", UNKNOWN)
    contents = body.get("contents") or []
    system = (body.get("systemInstruction") or {}).get("parts", [])
    check_order(contents)
    spoke = max((at for at, content in enumerate(contents) if content.get("role") == "model"), default=-1)
    since = [part for content in contents[spoke + 1 :] for part in content["parts"]]
    mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
    thinking = config.get("thinkingConfig") or {}
    return Question(
        model=path.rpartition("/")[2].partition(":")[0],
        stream=":stream" in path,
        tools=[declared(each) for tool in body.get("tools") or [] for each in tool.get("functionDeclarations", [])],
        may_call=mode != "NONE",
        said=" ".join(part.get("text", "") for part in since),
        results=[result(part) for part in since if "functionResponse" in part],
        input_tokens=script.count(*(text_of(part) for part in system), *(text_of(part) for each in contents for part in each["parts"])),
        thinks=bool(thinking.get("includeThoughts")),
    )


def camel(value, inside=False):
    """The names of members in camel case, as the JSON of protocol buffers takes either; schemas and arguments are the caller's own."""
    own = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "properties"}
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    renamed = {re.sub(r"(?<=[a-z])_([a-z])", lambda hit: hit[1].upper(), name): each for name, each in value.items()}
    return {name: each if name in own else camel(each) for name, each in renamed.items()}


def declared(declaration):
    script.known(declaration, DECLARATION, " at 'tools[0].function_declarations[0]'", UNKNOWN)
    if not NAME.fullmatch(declaration["name"]):
        raise Refused("Invalid function name. Must start with a letter or an underscore.")
    check_schema(declaration.get("parameters") or {})
    return declaration["name"], declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}


def check_schema(schema):
    script.known(schema, SCHEMA, " at 'tools[0].function_declarations[0].parameters'", UNKNOWN)
    for each in [*(schema.get("properties") or {}).values(), *schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        check_schema(each)


def check_order(contents):
    """Calls follow what the user said and are answered at once, one for one; the first call of every step since then is signed."""
    if not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified")
    asked_at = max((at for at, each in enumerate(contents) if each.get("role") != "model" and not of(each, "functionResponse")), default=0)
    calls = []
    for at, content in enumerate(contents):
        if content.get("role", "user") not in {"user", "model", "function"}:
            raise Refused("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise Refused("* GenerateContentRequest.contents.parts: contents.parts must not be empty.")
        for part in content["parts"]:
            script.known(part, PART, f" at 'contents[{at}].parts[0]'", UNKNOWN)
            if not {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"} & part.keys():
                raise Refused("Unable to submit request because it must have a text parameter; required oneof field 'data' must have one initialized field")
            check_signature(part)
        answers = [part["functionResponse"] for part in of(content, "functionResponse")]
        if len(answers) != len(calls) or {each["name"] for each in answers} != {each["name"] for each in calls}:
            raise Refused("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
        signed = of(content, "functionCall")
        if signed and at > asked_at and "thoughtSignature" not in signed[0]:
            raise Refused("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.")
        calls = [part["functionCall"] for part in signed]
        if calls and at == 0:
            raise Refused("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
    if calls:
        raise Refused("Please ensure that function response turn comes immediately after a function call turn.")


def check_signature(part):
    given = part.get("thoughtSignature")
    if given is None or given in UNSIGNED:
        return
    # The JSON of protocol buffers takes either alphabet of base64, with padding or without.
    given = base64.urlsafe_b64decode(given.translate(str.maketrans("+/", "-_")).rstrip("=") + "==")
    if given not in (each.encode() for each in UNSIGNED) and "functionCall" in part and given != base64.b64decode(signature(part["functionCall"]["name"])):
        raise Refused("Corrupted thought signature.")


def of(content, kind):
    return [part for part in content["parts"] if kind in part]


def result(part):
    """What a tool said, out of the object that Google wants it in."""
    value = part["functionResponse"]["response"]
    return " ".join(strings(value))


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value if isinstance(value, str) else json.dumps(value)]


def text_of(part):
    if "functionResponse" in part:
        return result(part)
    return "" if part.get("thought") else part.get("text", "")


def signature(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def chunk(answer, number, parts, reason=None):
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    if reason:
        candidate["finishReason"] = reason
    return {
        "candidates": [candidate], "usageMetadata": usage(answer, bool(reason)), "modelVersion": "harbour-2026",
        "responseId": f"resp{number:08d}",
    }


def usage(answer, ended):
    output, thought = (answer.output_tokens, answer.thought_tokens) if ended else (0, 0)
    counted = {"promptTokenCount": answer.input_tokens, "totalTokenCount": answer.input_tokens + output + thought}
    counted["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.input_tokens}]
    if ended:
        counted["candidatesTokenCount"] = output
    if thought:
        counted["thoughtsTokenCount"] = thought
    return counted


def opening(answer):
    return [{"text": answer.thought, "thought": True}] if answer.thought else []


def calling(answer, number):
    call = {"name": answer.call[0], "args": answer.call[1], "id": f"fc{number:08d}"}
    return {"functionCall": call, "thoughtSignature": signature(answer.call[0])}


def whole(answer, question, number):
    parts = [calling(answer, number)] if answer.call else [{"text": answer.text}]
    return chunk(answer, number, opening(answer) + parts, "STOP")


def stream(answer, question, number, body):
    if answer.thought:
        yield event(chunk(answer, number, opening(answer)))
    if answer.call:
        # Google's own library runs a tool by the last chunk it sees.
        yield event(chunk(answer, number, [calling(answer, number)], "STOP"))
        return
    for word in answer.words:
        yield event(chunk(answer, number, [{"text": word}]))
    # Google ends with a chunk of an empty text.
    yield event(chunk(answer, number, [{"text": ""}], "STOP"))


def event(value):
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


def error(refused):
    statuses = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 503: "UNAVAILABLE"}
    return {"error": {"code": refused.status, "message": refused.message, "status": statuses.get(refused.status, "INTERNAL")}}
