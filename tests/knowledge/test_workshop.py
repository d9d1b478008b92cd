"""Files that were handed in become sources: once each, in their order, whoever dies."""

import gc
from datetime import UTC, datetime, timedelta

import knowledge_files
import make
import pytest
from at_once import together
from django.utils import timezone

from besedka.conversations import signals
from besedka.knowledge import imports, leases, submissions, workshop
from besedka.knowledge.leases import Lost
from besedka.knowledge.models import Import, ImportPart, Passage, Source
from besedka.knowledge.rows import FileTooLarge, LinkUnfit

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def csv(*rows: str) -> bytes:
    return "\n".join(["question,answer", *rows]).encode()


def handed_in(content: bytes, title: str = "Shop", name: str = "shop.csv", **fields) -> int:
    return submissions.submit(content, name=name, title=title, asked_by=None, now=timezone.now(), **fields)


def answers() -> list[str]:
    return list(Passage.objects.order_by("position").values_list("answer", flat=True))


def test_a_file_that_was_handed_in_becomes_a_source_and_is_not_kept():
    boss = make.administrator("Анна")
    import_id = submissions.submit(
        csv("a,A", "b,"), name="shop.csv", title=" Shop ", url="https://shop.example/", asked_by=boss.pk, now=NOW
    )
    kept = ImportPart.objects.count()

    ran = workshop.run_due()

    done = Import.objects.get(pk=import_id)
    source = Source.objects.get()
    assert (kept, ran, ImportPart.objects.count()) == (1, 1, 0)
    assert (source.title, source.url, answers()) == ("Shop", "https://shop.example/", ["A"])
    assert (done.state, done.attempts, done.created_at) == (Import.State.DONE, 1, NOW)
    assert done.result == {
        "id": source.pk,
        "added": 1,
        "changed": 0,
        "removed": 0,
        "unchanged": 0,
        "refused": 1,
        "errors": [{"line": 3, "reason": "answer is empty"}],
        "is_new": True,
    }


@pytest.mark.parametrize("kind", knowledge_files.KINDS)
def test_every_format_comes_out_as_it_went_in(kind: str):
    handed_in(knowledge_files.of(kind), name=f"shop.{kind}")

    workshop.run_due()

    assert Import.objects.get().result["added"] == 2


def test_a_file_of_many_parts_is_put_together_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(submissions, "PART", 7)
    handed_in(csv(*(f"q{number},ответ {number}" for number in range(50))))

    parts = ImportPart.objects.count()
    workshop.run_due()

    assert parts > 50
    assert answers() == [f"ответ {number}" for number in range(50)]


def test_as_large_a_file_as_we_take_is_kept_and_read():
    answer = "x" * 19_000
    content = csv(*(f"q{number},{answer}" for number in range(1_090)))

    handed_in(content)
    workshop.run_due()
    gc.collect()

    assert len(content) > 20_000_000
    assert Import.objects.get().result["added"] == 1_090


@pytest.mark.parametrize(
    ("content", "fields", "refusal"),
    [
        (csv("a,A"), {"title": "a\nb"}, imports.TitleUnfit),
        (csv("a,A"), {"url": "javascript:1"}, LinkUnfit),
        (csv("a,A"), {"name": "shop.pdf"}, imports.recognition.FormatUnknown),
        (b"x" * (20 * 1024 * 1024 + 1), {}, FileTooLarge),
    ],
)
def test_what_can_be_refused_at_once_is_never_kept(content: bytes, fields: dict[str, str], refusal: type):
    with pytest.raises(refusal):
        handed_in(content, **fields)

    assert not Import.objects.exists()


def test_a_bounded_number_of_files_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(submissions, "MAX_UNDER_WAY", 2)
    handed_in(csv("a,A"))
    handed_in(csv("a,A"), "Other")

    with pytest.raises(submissions.TooManyImports):
        handed_in(csv("a,A"), "Third")
    workshop.run_due()
    handed_in(csv("a,A"), "Third")

    assert Import.objects.count() == 3


def test_whoever_works_is_told_when_the_file_is_there_for_it():
    seen = []

    def hear(kinds):
        seen.append((kinds, ImportPart.objects.count()))

    signals.relay_to(hear)
    try:
        import_id = handed_in(csv("a,A"))
    finally:
        signals._hub.relays.remove(hear)

    assert seen == [({"imports": [import_id]}, 1)]


def test_a_broken_file_fails_with_the_sentence_that_a_request_would_have_got():
    import_id = handed_in(b"%PDF-1.7 broken", name="shop.pdf")
    empty = handed_in(csv("a,"), "Empty")

    workshop.run_due()

    failed = submissions.problem_of(Import.objects.get(pk=import_id))
    nothing = submissions.problem_of(Import.objects.get(pk=empty))
    assert (failed.code, failed.status) == ("knowledge_file_broken", 400)
    assert (nothing.code, nothing.details) == ("knowledge_empty", {"errors": [[2, "answer is empty"]]})
    assert not ImportPart.objects.exists()


def test_answers_of_people_are_not_replaced_by_a_file():
    now = timezone.now()
    Source.objects.create(title="Shop", kind=Source.Kind.PEOPLE, created_at=now, updated_at=now)

    import_id = handed_in(csv("a,A"))
    workshop.run_due()

    assert submissions.problem_of(Import.objects.get(pk=import_id)).as_json()["title"] == "Shop"


def test_many_at_once_do_each_import_once():
    for number in range(6):
        handed_in(csv("a,A"), f"Shop {number}")

    together(*[workshop.run_due] * 4)

    assert [row.result["added"] for row in Import.objects.all()] == [1] * 6
    assert set(Import.objects.values_list("attempts", flat=True)) == {1}


def test_of_two_processes_that_claim_an_import_one_has_it():
    import_id = handed_in(csv("a,A"))

    claims = together(*[lambda: leases.claim(import_id, now=timezone.now())] * 4)

    assert sum(claim is not None for claim in claims) == 1
    assert leases.due(now=timezone.now(), limit=10) == []


def test_of_files_with_one_title_the_last_one_wins():
    first, second = handed_in(csv("a,first")), handed_in(csv("a,second"))
    other = handed_in(csv("a,A"), "Other")

    assert leases.due(now=timezone.now(), limit=10) == [first, other]
    together(*[workshop.run_due] * 3)
    workshop.run_due()

    assert Source.objects.get(title="Shop").passages.get().answer == "second"
    assert [Import.objects.get(pk=pk).result["changed"] for pk in (first, second)] == [0, 1]


def test_an_import_whose_process_died_is_begun_anew_when_its_lease_has_run_out():
    import_id = handed_in(csv("a,A"))
    now = timezone.now()
    leases.claim(import_id, now=now)

    while_held = leases.claim(import_id, now=now + timedelta(seconds=leases.LEASE_S))
    later = leases.claim(import_id, now=now + timedelta(seconds=leases.LEASE_S + 1))

    assert while_held is None
    assert later is not None


def test_a_lease_that_lives_is_renewed_and_tells_how_far_it_is():
    import_id = handed_in(csv("a,A"))
    now = timezone.now()
    claim = leases.claim(import_id, now=now)
    assert claim is not None

    leases.renew(claim, "reading", 3, 10, now=now + timedelta(seconds=15))

    row = Import.objects.get()
    assert (row.stage, row.done, row.of) == ("reading", 3, 10)
    assert leases.due(now=now + timedelta(seconds=30), limit=1) == []


def test_what_a_process_does_that_was_taken_for_dead_is_dropped():
    import_id = handed_in(csv("a,A"))
    slow = leases.claim(import_id, now=timezone.now() - timedelta(minutes=1))
    assert slow is not None
    workshop.run_due()
    source = Source.objects.get()

    with pytest.raises(Lost):
        leases.finish(slow, imports.Imported(source.pk, 0, 0, 1, 0, []), now=timezone.now())
    leases.fail(slow, leases.GivenUp(), now=timezone.now())
    leases.renew(slow, "reading", 1, 1, now=timezone.now())
    leases.put_back(slow, now=timezone.now())

    row = Import.objects.get()
    assert (row.state, row.result["added"], row.problem) == (Import.State.DONE, 1, {})


def test_a_file_that_ends_its_process_again_and_again_is_given_up_with_an_honest_sentence():
    import_id = handed_in(csv("a,A"))
    begun = timezone.now() - timedelta(hours=1)

    claims = [leases.claim(import_id, now=begun + timedelta(minutes=minute)) for minute in range(leases.ATTEMPTS)]
    workshop.run_due()

    row = Import.objects.get()
    assert all(claims)
    assert row.state == Import.State.FAILED
    assert submissions.problem_of(row).as_json()["code"] == "knowledge_import_given_up"
    assert "three attempts" in submissions.problem_of(row).detail
    assert (Source.objects.count(), ImportPart.objects.count()) == (0, 0)


def test_a_process_that_is_to_end_gives_back_what_it_has_and_the_attempt_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
):
    import_id = handed_in(csv("a,A"))
    read = imports.read

    def end_meanwhile(*arguments, **named):
        workshop.close()
        return read(*arguments, **named)

    monkeypatch.setattr(workshop, "CLOSE_S", 0.01)
    with monkeypatch.context() as while_ending:
        while_ending.setattr(imports, "read", end_meanwhile)
        workshop.run_due()
        given_back = Import.objects.get()
        refused = workshop.run_due()
    workshop.open_again()
    workshop.run_due()

    assert (given_back.state, given_back.attempts, refused) == (Import.State.WAITING, 0, 0)
    assert Import.objects.get(pk=import_id).state == Import.State.DONE


def test_a_fault_of_ours_is_logged_and_tried_again_a_little_later(monkeypatch: pytest.MonkeyPatch, caplog):
    import_id = handed_in(csv("a,A"))

    def broken(*arguments, **named):
        raise ZeroDivisionError

    with monkeypatch.context() as for_a_while:
        for_a_while.setattr(imports, "store", broken)
        workshop.run_due()
    waits = Import.objects.get()
    now = timezone.now()

    assert (waits.state, waits.attempts, Source.objects.count()) == (Import.State.WAITING, 1, 0)
    assert "ZeroDivisionError" in caplog.text
    assert leases.due(now=now, limit=1) == []
    assert leases.due(now=now + timedelta(seconds=leases.AGAIN_S + 1), limit=1) == [import_id]


def test_a_process_that_knows_that_it_is_alone_begins_anew_at_once():
    import_id = handed_in(csv("a,A"))
    now = timezone.now()
    leases.claim(import_id, now=now)

    released = leases.release_all(now=now)

    assert (released, leases.due(now=now, limit=1)) == (1, [import_id])


def test_a_clock_that_went_back_holds_no_import_for_long():
    import_id = handed_in(csv("a,A"))
    now = timezone.now()
    leases.claim(import_id, now=now + timedelta(days=1))

    assert leases.due(now=now, limit=1) == [import_id]


def test_what_imports_did_is_forgotten_after_a_month():
    handed_in(csv("a,A"))
    workshop.run_due()
    handed_in(csv("a,B"))
    now = timezone.now()

    early = leases.sweep(now=now + timedelta(days=29))
    late = leases.sweep(now=now + timedelta(days=31))

    assert (early, late) == (0, 1)
    assert [row.state for row in Import.objects.all()] == [Import.State.WAITING]
    assert Source.objects.count() == 1
