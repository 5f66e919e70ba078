"""Tests of the readers: exact money, whose word counts, and what is left out. Run with `python3 -m unittest discover -s gateway/catalog/refresh`."""

import ast
import json
import unittest
from decimal import Decimal

import genai
import litellm
import merge
import modelsdev
from facts import Facts, plain
from gather import lend, stem
from table import fits, write

STANDARD = ("input", "standard", 0), ("output", "standard", 0)


def row(**said):
    """One row of what the sources say."""
    return merge.merge("model", said, [])


def priced(**rates):
    """Facts with ordinary prices."""
    facts = Facts(kind="chat")
    for unit, rate in rates.items():
        facts.price(unit.replace("_", "-"), Decimal(rate))
    return facts


class Money(unittest.TestCase):
    def test_a_price_a_token_becomes_a_price_a_million_without_floats(self):
        text = '{"mode": "chat", "input_cost_per_token": 7.5e-08, "output_cost_per_token": 0.00001, "cache_read_input_token_cost": 1e-9}'
        facts = litellm.facts("m", json.loads(text, parse_float=Decimal))
        self.assertEqual([plain(rate) for rate in facts.prices.values()], ["0.075", "10", "0.001"])

    def test_the_noise_of_floats_is_taken_off(self):
        text = '{"mode": "chat", "input_cost_per_token": 1.5000000000000002e-07, "output_cost_per_token": 9.999999999999999e-07}'
        facts = litellm.facts("m", json.loads(text, parse_float=Decimal))
        self.assertEqual([plain(rate) for rate in facts.prices.values()], ["0.15", "1"])

    def test_what_is_finer_than_a_picodollar_is_rounded_up_and_named(self):
        notes = []
        made = merge.merge("model", {"genai": priced(input="0.08333333", output="1")}, notes)
        self.assertEqual(made.by["genai"].prices[STANDARD[0]], Decimal("0.083334"))
        self.assertIn("rounded up", notes[0])

    def test_modes_and_long_prompts_are_read_from_the_keys(self):
        facts = litellm.facts("m", {"mode": "chat", "cache_creation_input_token_cost_above_1hr_above_200k_tokens": Decimal("0.000012"), "input_cost_per_token_above_272k_tokens_priority": Decimal("0.00001")})
        self.assertEqual(facts.prices, {("cache-write-1h", "standard", 200000): 12, ("input", "priority", 272000): 10})

    def test_a_zero_is_a_blank_unless_the_name_says_free(self):
        said = {"litellm": priced(input="0", output="0")}
        self.assertTrue(merge.merge("model", said, []).is_blank())
        free = merge.merge("model:free", said, [])
        self.assertEqual(free.by["litellm"].prices, {STANDARD[0]: 0, STANDARD[1]: 0})


class WhoseWord(unittest.TestCase):
    def test_prices_come_from_one_source_and_another_is_named_where_it_differs(self):
        made = row(genai=priced(input="2", output="8"), litellm=priced(input="3", output="8", cache_read="1"))
        self.assertEqual(made.by["genai"].prices, {STANDARD[0]: 2, STANDARD[1]: 8})
        self.assertEqual(made.by["litellm"].prices, {})
        self.assertEqual(made.disputed, [("litellm", "input", 3)])

    def test_another_adds_to_the_same_price(self):
        made = row(genai=priced(input="2", output="8"), litellm=priced(input="2", output="8", cache_read="1"))
        self.assertEqual(made.by["litellm"].prices, {("cache-read", "standard", 0): 1})

    def test_contradiction_leaves_an_ability_unknown(self):
        yes, no = Facts(kind="chat", can={"images", "tools"}), Facts(kind="chat", cannot={"images", "audio"})
        made = row(litellm=yes, modelsdev=no)
        can = set().union(*(facts.can for facts in made.by.values()))
        cannot = set().union(*(facts.cannot for facts in made.by.values()))
        self.assertEqual((can, cannot), ({"tools"}, {"audio"}))

    def test_an_answer_as_long_as_the_window_is_no_limit(self):
        made = row(litellm=Facts(kind="chat", limits={"max-input": 1000, "max-output": 1000}))
        self.assertEqual(made.by["litellm"].limits, {"max-input": 1000})

    def test_a_rule_goes_over_everybody(self):
        made = row(litellm=Facts(kind="chat", can={"sampling"}, limits={"max-output": 5}), genai=priced(input="2", output="8"))
        merge.apply(made, "page", "$input=4 max-output=7 cannot=sampling")
        self.assertEqual(write(made, ["genai", "litellm", "page"]), "model\tkind=chat\t@genai $output=8\t@page $input=4 max-output=7 cannot=sampling")


class Packages(unittest.TestCase):
    def test_the_price_of_today_is_taken_and_the_dearest_hour(self):
        text = """[
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('1'))),
            ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2026, 5, 1)), prices=ModelPrice(input_mtok=Decimal('2'))),
            ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2027, 1, 1)), prices=ModelPrice(input_mtok=Decimal('9'))),
            ConditionalPrice(constraint=TimeOfDateConstraint(start_time=datetime.time(0)), prices=ModelPrice(input_mtok=Decimal('3'))),
        ]"""
        prices = genai.value(ast.parse(text, mode="eval").body)
        self.assertEqual(genai.current(prices[:3], "2026-11-29")["input_mtok"], 2)
        self.assertEqual(genai.current(prices, "2026-11-29")["input_mtok"], 3)
        self.assertEqual(genai.current(prices[:3], "2026-04-30")["input_mtok"], 1)

    def test_names_that_no_request_carries_are_left_out(self):
        for name in ("low/1024-x-1024/gpt-image-1", "us-east-1/1-month-commitment/anthropic.claude-v2", "eu/gpt-4o"):
            self.assertIsNone(litellm.facts(name, {"mode": "chat", "input_cost_per_token": Decimal("0.1")}), name)

    def test_modalities_that_are_not_listed_are_refused(self):
        said = {"modalities": {"input": ["text", "image"], "output": ["text"]}, "limit": {"context": 8, "output": 4}, "tool_call": True, "temperature": False}
        facts = modelsdev.facts("m", said)
        self.assertEqual(facts.can, {"images", "tools"})
        self.assertEqual(facts.cannot, {"pdf", "audio", "video", "image-out", "audio-out", "sampling"})

    def test_a_name_with_a_price_alone_borrows_what_its_dated_form_is_known_for(self):
        dated = Facts(kind="chat", can={"tools"}, limits={"max-output": 5}, prices={STANDARD[0]: Decimal(9)})
        found = {"m": {"genai": priced(input="1", output="2")}, "m-20260101": {"litellm": Facts(kind="chat")}, "m-20260205": {"litellm": dated}}
        lend(found)
        self.assertEqual(found["m"]["litellm"], Facts(kind="chat", can={"tools"}, limits={"max-output": 5}))
        self.assertEqual(found["m-20260205"]["litellm"].prices, {STANDARD[0]: 9})

    def test_only_dates_and_latest_are_taken_for_the_same_model(self):
        for name in ("m-latest", "m@20260205", "m@default", "m-20260205", "m-2026-02-05", "m-20260205-v1:0"):
            self.assertEqual(stem(name), "m", name)
        for name in ("@cf/meta/llama", "m-2411", "m-20b", "m:free"):
            self.assertEqual(stem(name), name)

    def test_patterns_are_those_of_the_shell(self):
        self.assertTrue(fits("*claude-*-4-[0-5]*", "us.anthropic.claude-opus-4-1-20250805-v1:0"))
        self.assertFalse(fits("*claude-*-4-[0-5]*", "claude-opus-4-7"))


if __name__ == "__main__":
    unittest.main()
