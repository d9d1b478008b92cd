"""The bot says something to whoever has just done something."""

from datetime import datetime

from besedka.conversations import deliveries
from besedka.conversations.deliveries import Outgoing
from besedka.desk.outside import TELEGRAM
from besedka.telegram.acts import Act


def tell(act: Act, said: str, now: datetime) -> None:
    """This text goes to the chat where it was done."""
    tell_chat(act.chat_id, said, now)


def tell_chat(chat_id: int, said: str, now: datetime) -> None:
    """This text goes to that chat."""
    deliveries.post_many([Outgoing(TELEGRAM, str(chat_id), {"kind": "say", "text": said})], now=now)


def tell_token(act: Act, key: str, user_id: int, now: datetime) -> None:
    """A sentence with this person's token in it, which is put in when it goes out: it is in no body of ours."""
    body = {"kind": "token", "key": key, "user_id": user_id}
    deliveries.post_many([Outgoing(TELEGRAM, str(act.chat_id), body)], now=now)
