"""Whatever happens to a conversation in whatever order, it stays what a small model says it is."""

import itertools

import make
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from besedka.conversations import episodes, leases, log, ownership
from besedka.conversations.leases import Claim, Finish
from besedka.conversations.log import Append, Fence, Want
from besedka.conversations.models import Conversation
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
        self.say("hello")

    def conversation(self) -> Conversation:
        return Conversation.objects.get(contact__identities__known_as=self.address.known_as)

    def reopened(self) -> None:
        if self.status == "closed":
            self.status, self.owner = "open", "bot"
            self.fence += 1

    @rule(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
    def say(self, text: str) -> None:
        client_id = str(next(self.ids))
        [entry] = log.append_many([Append("contact", text, address=self.address, client_id=client_id)])
        assert isinstance(entry, Entry)
        self.reopened()
        self.log.append(("contact", text))
        self.sent[client_id] = (entry.seq, text)

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
            self.owner = "queue"
            self.fence += 1
            self.log.append(("system", "handed_off"))

    @rule()
    def return_to_bot(self) -> None:
        ownership.return_to_bot_many([self.conversation().pk])
        if self.status == "open" and self.owner == "queue":
            self.owner = "bot"
            self.fence += 1
            self.log.append(("system", "returned"))

    @rule()
    def close(self) -> None:
        episodes.close_many([self.conversation().pk])
        if self.status == "open":
            self.status, self.owner = "closed", "queue"
            self.fence += 1

    @rule()
    def claim(self) -> None:
        [claimed] = leases.claim_many([self.conversation().pk])
        if claimed is not None:
            assert self.owner == "bot"
            assert all(fence != self.fence for _, fence in self.claims), "two workers have the same turn"
            self.claims.append((claimed, self.fence))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        claimed, fence = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        append = Append("bot", "answer", conversation_id=claimed.conversation_id)
        fenced = Append(
            "bot", append.text, None, append.conversation_id, None, None, Fence(fence, claimed.lease_key)
        )
        [said] = log.append_many([fenced])
        [end] = leases.finish_many([Finish(claimed, "answered", "", {})])
        current = fence == self.fence
        assert isinstance(said, Entry) == current == end.mine
        if current:
            self.log.append(("bot", "answer"))

    @invariant()
    def the_log_and_the_owner_are_what_the_model_says(self) -> None:
        conversation = self.conversation()
        [page] = log.read_many([Want(conversation.pk, 0, 10_000)])
        shown = [(e.author, (e.payload or {}).get("event", e.text)) for e in page]
        assert [e.seq for e in page] == list(range(1, len(page) + 1))
        assert shown == self.log
        assert (conversation.owner, conversation.status) == (self.owner, self.status)
        assert conversation.owner_version == self.fence


@pytest.mark.django_db
def test_a_conversation_is_what_happened_to_it():
    run_state_machine_as_test(
        OneConversation,
        settings=settings(
            max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
