"""Passages that a person writes down here, one by one: what was missing, question and answer."""

from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import F, Max

from besedka.knowledge.models import Passage, Source
from besedka.knowledge.rows import MAX_ANSWER, MAX_QUESTION
from besedka.problems import Problem

TITLE = "{}: answers of people"  # of the source that holds them, by the bot they were written for


class AnswerUnfit(Problem):
    """A passage needs a question of 1 to 2,000 characters and an answer of 1 to 20,000."""

    code = "knowledge_answer_unfit"


@transaction.atomic
def add(of: str, question: str, answer: str, *, now: datetime) -> int:
    """The source of answers that people wrote for `of` holds this one; its id.

    The same question again takes the new answer. Raises `AnswerUnfit`.
    """
    question, answer = question.strip(), answer.strip()
    if not 1 <= len(question) <= MAX_QUESTION or not 1 <= len(answer) <= MAX_ANSWER or "\0" in question + answer:
        raise AnswerUnfit
    title = TITLE.format(of[:150])
    made = Source(title=title, kind=Source.Kind.PEOPLE, created_at=now, updated_at=now)
    Source.objects.bulk_create([made], ignore_conflicts=True)
    source = Source.objects.select_for_update().get(title=title)
    last = source.passages.aggregate(last=Max("position"))["last"]
    key = sha256(question.casefold().encode()).hexdigest()
    Passage.objects.update_or_create(
        source=source,
        key=key,
        defaults={"question": question, "answer": answer, "digest": sha256(answer.encode()).hexdigest()},
        create_defaults={
            "question": question,
            "answer": answer,
            "digest": sha256(answer.encode()).hexdigest(),
            "position": 0 if last is None else last + 1,
        },
    )
    Source.objects.filter(pk=source.pk).update(version=F("version") + 1, updated_at=now)
    return source.pk
