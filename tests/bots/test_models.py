"""What is kept of a step keeps the order in which it was written, on every database."""

import make
import pytest

from besedka.bots import scenarios
from besedka.bots.models import Graph, Step

WORDS = ["zebra", "a", "мышь", "bb", "cat"]


@pytest.mark.django_db
def test_the_words_of_a_condition_keep_their_order():
    content = {"default_response": "?", "conditions": dict.fromkeys(WORDS, "@1")}
    scenario = make.scenario(make.bot(), ("condition", content))

    kept = Step.objects.get().content
    published = scenarios.of_bot(scenario.bot_id, 1)
    scenarios.keep_many({published.graph.content_hash: published})

    assert list(kept) == ["default_response", "conditions"]
    assert list(kept["conditions"]) == WORDS
    [written] = Graph.objects.get().document["scenarios"].values()
    assert list(written["steps"][0]["content"]["conditions"]) == WORDS
