"""Whatever happens to a conversation in whatever order, it stays what a small model says it is."""

import itertools
from datetime import timedelta

import make
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from besedka.conversations import leases, log, ownership
from besedka.conversations.leases import Claim, Finish
from besedka.conversations.log import Append, Fence, Want
from besedka.conversations.models import Conversation
from besedka.conversations.ownership import HandOff
from besedka.conversations.wire import Entry


class OneConversation(RuleBasedStateMachine):
    """The product on one side, a list of texts and a few words on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.address = make.address(make.inbox_with_bot())
        self.log: list[tuple[str, str]] = []
        self.owner, self.status, self.fence = "bot", "open", 0
        self.ids = itertools.count()
        self.sent: dict[str, tuple[int, str]] = {}
        self.claims: list[tuple[Claim, int]] = []
        self.holder: str | None = None  # the lease key of whoever has the turn now
        self.unheard = 0  # lines of the contact since the bot's last reaction
        self.stirred = False  # whether the bot may go on though nobody said anything
        self.reasons: list[str] = []  # why the bot handed over, in this episode
        self.say("hello")

    def conversation(self) -> Conversation:
        return Conversation.objects.get(contact__identities__known_as=self.address.known_as)

    def reopened(self) -> None:
        if self.status == "closed":
            self.status = "open"
            self.handed_to("bot")

    def handed_to(self, owner: str) -> None:
        self.owner, self.holder, self.unheard, self.stirred = owner, None, 0, False
        self.fence += 1

    def heard(self, *texts: str) -> None:
        self.reopened()
        self.log += [("contact", text) for text in texts]
        self.unheard += len(texts)

    @rule(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
    def say(self, text: str) -> None:
        client_id = str(next(self.ids))
        [entry] = log.append_many([Append("contact", text, address=self.address, client_id=client_id)])
        assert isinstance(entry, Entry)
        self.heard(text)
        self.sent[client_id] = (entry.seq, text)

    @rule(by_address=st.lists(st.booleans(), min_size=2, max_size=4))
    def say_many_at_once(self, by_address: list[bool]) -> None:
        named = [{"address": self.address}, {"conversation_id": self.conversation().pk}]
        results = log.append_many(
            [Append("contact", f"line {n}", **named[not address]) for n, address in enumerate(by_address)]
        )
        assert all(isinstance(result, Entry) for result in results)
        self.heard(*(f"line {n}" for n in range(len(by_address))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        client_id = data.draw(st.sampled_from(sorted(self.sent)))
        seq, text = self.sent[client_id]
        [again] = log.append_many([Append("contact", text, address=self.address, client_id=client_id)])
        [other] = log.append_many([Append("contact", text + "!", address=self.address, client_id=client_id)])
        assert isinstance(again, Entry)
        assert again.seq == seq
        assert isinstance(other, log.IdempotencyKeyReused)

    @rule()
    def ask_for_person(self) -> None:
        ownership.ask_for_person_many([self.address])
        self.reopened()
        if self.owner == "bot":
            self.handed_to("queue")
            self.log.append(("system", "handed_off"))
            self.reasons.append("asked_for_person")

    @rule()
    def return_to_bot(self) -> None:
        make.return_to_bot([self.conversation().pk])
        if self.status == "open" and self.owner == "queue" and not self.bot_gave_up():
            self.handed_to("bot")
            self.stirred = True
            self.log.append(("system", "returned"))

    def bot_gave_up(self) -> bool:
        """It handed over twice in a row for one reason."""
        return len(self.reasons) > 1 and self.reasons[-1] == self.reasons[-2]

    @rule()
    def close(self) -> None:
        make.close([self.conversation().pk])
        if self.status == "open":
            self.status = "closed"
            self.handed_to("queue")
            self.log.append(("system", "closed"))
            self.reasons = []

    @rule()
    def claim(self) -> None:
        [claimed] = leases.claim_many([self.conversation().pk])
        free = self.is_due() and self.holder is None
        assert (claimed is not None) == free
        if claimed is not None:
            assert [entry.text for entry in claimed.messages] == self.unanswered()
            self.holder = claimed.lease_key
            self.claims.append((claimed, self.unheard))

    def unanswered(self) -> list[str]:
        """The contact's last lines; between them there may be lines of others."""
        return [text for author, text in self.log if author == "contact"][-self.unheard :] if self.unheard else []

    def is_due(self) -> bool:
        """The bot owes an answer, or may go on with what it had begun before a person came."""
        return self.owner == "bot" and (self.unheard > 0 or self.stirred)

    @precondition(lambda self: self.holder is not None)
    @rule()
    def the_worker_dies(self) -> None:
        """Its lease runs out; it may yet come back from the dead and answer."""
        past = timezone.now() - timedelta(seconds=1)
        Conversation.objects.filter(pk=self.conversation().pk).update(lease_until=past)
        self.holder = None

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        claimed, said = self.taken(data)
        fence = Fence(claimed.owner_version, claimed.lease_key)
        append = Append("bot", "answer", conversation_id=claimed.conversation_id, fence=fence)
        [entry] = log.append_many([append])
        [end] = leases.finish_many([Finish(claimed, "answered", "", {})])
        assert isinstance(entry, Entry) == said == end.mine
        if said:
            self.log.append(("bot", "answer"))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        claimed, mine = self.taken(data)
        [end] = leases.finish_many([Finish(claimed, "handed_off", "unsure", {})])
        assert end.mine == mine
        if mine:
            wish = HandOff(claimed.conversation_id, "unsure", claimed.owner_version)
            assert ownership.hand_off_many([wish, wish]) == [True, False]
            self.handed_to("queue")
            self.log.append(("system", "handed_off"))
            self.reasons.append("unsure")

    def taken(self, data: st.DataObject) -> tuple[Claim, bool]:
        """One of the turns that somebody has begun, and whether it still is theirs."""
        claimed, covered = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        if claimed.lease_key not in (self.holder, self.conversation().lease_key):
            return claimed, False
        self.holder, self.stirred = None, False
        self.unheard -= covered
        return claimed, True

    @invariant()
    def the_log_and_the_owner_are_what_the_model_says(self) -> None:
        conversation = self.conversation()
        [page] = log.read_many([Want(conversation.pk, 0, 10_000)])
        shown = [(e.author, (e.payload or {}).get("event", e.text)) for e in page]
        assert [e.seq for e in page] == list(range(1, len(page) + 1))
        assert shown == self.log
        assert (conversation.owner, conversation.status) == (self.owner, self.status)
        assert conversation.owner_version == self.fence
        assert (conversation.due_at is not None) == self.is_due()


@pytest.mark.django_db
def test_a_conversation_is_what_happened_to_it():
    run_state_machine_as_test(
        OneConversation,
        settings=settings(
            max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
