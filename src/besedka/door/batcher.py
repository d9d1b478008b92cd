"""A message from outside on its way into the log: counted, then written with whatever else queued."""

from besedka.conversations import log
from besedka.conversations.contacts import Address
from besedka.conversations.log import Append
from besedka.conversations.wire import Entry
from besedka.door.admission import Caller


async def append(
    caller: Caller, address: Address, text: str, client_id: str | None, file: str | None = None
) -> Entry:
    """The contact's message is on disk, and carries its file.

    Raises `RateLimited`, `IdempotencyKeyReused`, `NotFound` for the file, `Unavailable`.
    """
    caller.count_write(address)
    door = caller.door
    message = Append(author="contact", text=text, address=address, client_id=client_id, file=file)
    entry: Entry = await door.writer.submit(log.append_many, message)
    door.remember(address, entry.conversation_id)
    return entry
