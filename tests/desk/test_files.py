"""Files that operators send."""

import make
import pytest

from besedka.conversations import attachments
from besedka.conversations.attachments import Upload
from besedka.conversations.wire import Entry
from besedka.desk import replies
from besedka.desk.replies import Reply
from besedka.problems import NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_an_operator_sends_a_file_that_was_kept_for_the_conversation():
    anna = make.operator("anna")
    conversation, other = make.held_by(anna), make.conversation(owner="queue")
    upload = Upload(name="a.pdf", media_type="", data=b"%PDF-1.7", conversation_id=conversation.pk)
    [kept] = make.keep([upload])

    [foreign] = replies.reply_many([Reply(anna.pk, other.pk, "", file=kept.key)])
    [entry] = replies.reply_many([Reply(anna.pk, conversation.pk, "Look", client_id="1", file=kept.key)])
    [again] = replies.reply_many([Reply(anna.pk, conversation.pk, "Look", client_id="1", file=kept.key)])

    assert isinstance(foreign, NotFound)
    assert isinstance(entry, Entry)
    assert entry.payload == attachments.payload(kept)
    assert again.seq == entry.seq
