"""The door's routes in OpenAPI 3.0: what is taken and answered, from the same structs and limits that rule it."""

from typing import Any

from besedka.door import limits, readers
from besedka.door.admission import MAX_SEQ
from besedka.door.legacy_bots import SESSION_LENGTH

Schema = dict[str, Any]

_PROBLEMS = {
    "400": "The request is not of the form this address takes.",
    "403": "Pages of this site may not talk to this inbox.",
    "404": "There is no inbox with this key.",
    "405": "This address does not take this method.",
    "413": "The request is too large.",
    "415": "The body is not JSON in UTF-8.",
    "422": "The id of the message belongs to another text.",
    "429": "You ask more often than is allowed.",
    "503": "The database is away; send it again.",
}


def components() -> dict[str, dict[str, Any]]:
    """Schemas and the security scheme of the door."""
    text = {"type": "string", "minLength": 1, "maxLength": limits.TEXT_LENGTH}
    client_id = {"type": "string", "minLength": 1, "maxLength": limits.CLIENT_ID_LENGTH, "pattern": "^[!-~]+$"}
    seq = {"type": "integer", "minimum": 1, "description": "1, 2, 3 … without a hole: the only order."}
    owner = {"type": "string", "enum": ["bot", "queue", "operator"], "nullable": True}
    status = {"type": "string", "enum": ["open", "snoozed", "closed"]}
    time = {"type": "string", "format": "date-time"}
    whole = {"type": "integer", "minimum": 0}
    file_key = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
    schemas = {
        "SiteQuestion": _object({"message": text}),
        "SiteStored": _object({"message": {"type": "string", "enum": ["Успех"]}}),
        "SiteMessage": _object(
            {
                "message": {"type": "string"},
                "date_create": time,
                "user": {"type": "string", "enum": ["GPT", "OPERATOR"]},
                "seq": {**seq, "description": "Only with `after`."},
            },
            required=["message", "date_create", "user"],
        ),
        "SiteMessages": _object({"messages": _list("SiteMessage")}),
        "NewMessage": {
            **_object({"text": text, "client_id": {**client_id, "nullable": True}, "file": file_key}, required=[]),
            "anyOf": [{"required": ["text"]}, {"required": ["file"]}],
        },
        "File": _object(
            {
                "key": file_key,
                "name": {"type": "string"},
                "media_type": {"type": "string"},
                "size": whole,
                "url": {"type": "string", "description": "A path on this site; the key in it is all it takes."},
            }
        ),
        "Message": _object(
            {
                "seq": seq,
                "author": {"type": "string", "enum": ["contact", "bot", "operator", "system"]},
                "text": {"type": "string"},
                "client_id": {"type": "string", "nullable": True},
                "created_at": time,
                "payload": {"type": "object", "additionalProperties": True},
                "sources": _list("Source"),
                "choices": {"type": "array", "items": {"type": "string"}},
                "file": {"$ref": "#/components/schemas/File"},
                "edits": {**seq, "description": "The `seq` whose text this one replaces."},
            },
            required=["seq", "author", "text", "client_id", "created_at"],
        ),
        "Source": _object({"title": {"type": "string"}, "url": {"type": "string"}}),
        "Messages": _object({"messages": _list("Message")}),
        "ConversationState": _object(
            {
                "status": status,
                "owner": owner,
                "last_seq": whole,
                "read_seq": whole,
                "queue_place": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "Only while the owner is `queue`.",
                },
            },
            required=["status", "owner", "last_seq", "read_seq"],
        ),
        "HandedOff": _object({"owner": owner, "status": status}),
        "WidgetLook": _object(
            {
                "inbox": {"type": "string"},
                "title": {"type": "string"},
                "greeting": {"type": "string"},
                "popular_questions": {"type": "array", "items": {"type": "string"}},
                "language": {"type": "string", "enum": ["ru", "en"]},
                "bot": {"type": "boolean"},
            }
        ),
        "BotChat": _object(
            {
                "message": text,
                "user_session": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": SESSION_LENGTH,
                    "description": "Your own name for who speaks; the same one goes on with the same execution.",
                },
            }
        ),
        "BotReply": _object(
            {
                "response": {"type": "string"},
                "execution_id": whole,
                "tokens_used": {**whole, "nullable": True},
            }
        ),
        "Problem": {
            **_object(
                {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"type": "string", "description": "A stable word for what is the matter."},
                    "detail": {"type": "string"},
                    "request_id": {"type": "string"},
                }
            ),
            "additionalProperties": True,
        },
    }
    token = {
        "type": "apiKey",
        "in": "header",
        "name": "chat-token",
        "description": "8 to 100 visible ASCII characters that the page makes itself, at random.",
    }
    return {"schemas": schemas, "securitySchemes": {"chatToken": token}}


def paths() -> dict[str, Any]:
    """Path items of the door, without the trailing slash that each of them also has."""
    after = _query("after", "Only what came after this `seq`; repeatable, consumes nothing.", upto=MAX_SEQ)
    wait = _query("wait", "Seconds to wait for news when there is none.", upto=readers.MAX_WAIT_S)
    key = _header("Idempotency-Key", "An id of yours for this message: sent twice, stored once.")
    last = _header(
        "Last-Event-ID", "The last `seq` that you have; counts before `after`.", pattern="^[0-9]{1,10}$"
    )
    items: dict[str, Any] = {}
    for prefix, suffix in (("/api/v1", ""), ("", "_short")):
        items[f"{prefix}/gpt"] = {
            "post": _operation(
                f"site_chat_ask{suffix}",
                "Site chat: ask",
                "201",
                "SiteStored",
                body="SiteQuestion",
                parameters=[key],
            )
        }
        items[f"{prefix}/message"] = {
            "get": _operation(
                f"site_chat_read{suffix}", "Site chat: read", "200", "SiteMessages", parameters=[after, wait]
            )
        }
    _let_accounts_read(items["/message"]["get"])
    conversation = "/api/v1/conversation"
    items[conversation] = {"get": _operation("conversation", "Who answers now", "200", "ConversationState")}
    items[f"{conversation}/messages"] = {
        "get": _operation("messages", "Read", "200", "Messages", parameters=[after, wait]),
        "post": _operation("send", "Write", "201", "Message", body="NewMessage", parameters=[key]),
    }
    items[f"{conversation}/files"] = {"post": _upload()}
    items["/files/{key}"] = {"get": _download()}
    items[f"{conversation}/handoff"] = {"post": _operation("handoff", "Ask for a person", "200", "HandedOff")}
    stream = _operation("stream", "Follow, as server-sent events", "200", None, parameters=[last, after])
    items[f"{conversation}/stream"] = {"get": stream}
    items["/api/v1/widget"] = {
        "get": _operation("widget", "How the chat presents itself", "200", "WidgetLook", open_=True)
    }
    items["/api/bots/{bot_id}/chat/"] = {"post": _chat(key)}
    return items


def _let_accounts_read(operation: Schema) -> None:
    """The operation of reading also serves who is signed in and shows no chat token: see `web.legacy_mirror`."""
    content = operation["responses"]["200"]["content"]["application/json"]
    mine = {"type": "array", "maxItems": 1000, "items": {"$ref": "#/components/schemas/Kept"}}
    content["schema"] = {"oneOf": [content["schema"], mine]}
    operation["summary"] = "Site chat: read; signed in and without a chat token: my own messages"
    operation["security"] += [{"basicAuth": []}, {"jwtAuth": []}, {"cookieAuth": []}]
    operation["responses"]["401"] = {
        "description": "This is no account's password or token.",
        "content": _problem(),
    }
    before = _query("before", "Signed in: only what was posted before this `id`.", upto=2**63 - 1)
    operation["parameters"].append({**before, "schema": {**before["schema"], "minimum": 1}})


def _upload() -> Schema:
    """The operation of sending a file: its body is whatever the file is."""
    name = {"name": "name", "in": "query", "schema": {"type": "string", "maxLength": 1000}}
    operation = _operation("upload", "Upload a file for a message", "201", "File", body="File", parameters=[name])
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    operation["requestBody"] = {"required": True, "content": binary}
    operation["responses"]["415"]["description"] = "Files of this kind are not taken."
    return operation


def _download() -> Schema:
    """The operation of fetching a file: whoever knows the key may."""
    key = {
        "name": "key",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }
    operation = _operation("file", "Fetch a file", "200", None, parameters=[key], open_=True)
    operation["responses"]["200"]["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    operation["responses"]["404"]["description"] = "There is no such file."
    return operation


def _chat(key: Schema) -> Schema:
    """The operation of talking to a bot: nobody's token, an id in the path, and a stream for who accepts one."""
    bot_id = {"name": "bot_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    operation = _operation(
        "chat", "Talk to a bot", "200", "BotReply", body="BotChat", parameters=[bot_id, key], open_=True
    )
    operation["operationId"], operation["tags"] = "bots_chat", ["bots"]
    operation["parameters"] = operation["parameters"][1:]  # no inbox: the bot has one of its own
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    operation["responses"]["403"]["description"] = "This bot does not talk to programs."
    operation["responses"]["404"]["description"] = "There is no such bot."
    operation["responses"]["409"] = {"description": "This bot is switched off.", "content": _problem()}
    return operation


def _operation(
    name: str,
    summary: str,
    status: str,
    answer: str | None,
    *,
    body: str | None = None,
    parameters: list[Schema] | None = None,
    open_: bool = False,
) -> Schema:
    inbox = {
        "name": "inbox",
        "in": "query",
        "description": "The public key of the inbox; the default one without it.",
        "schema": {"type": "string"},
    }
    content = {"text/event-stream": {"schema": {"type": "string"}}} if answer is None else _json(answer)
    codes = [code for code in _PROBLEMS if body is not None or code not in ("413", "415", "422")]
    operation: Schema = {
        "operationId": f"visitor_{name}",
        "summary": summary,
        "tags": ["visitors"],
        "security": [{}] if open_ else [{"chatToken": []}],
        "parameters": [inbox, *(parameters or [])],
        "responses": {
            status: {"description": summary, "content": content},
            **{code: {"description": _PROBLEMS[code], "content": _problem()} for code in codes},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _object(properties: Schema, *, required: list[str] | None = None) -> Schema:
    wanted = list(properties) if required is None else required
    return {"type": "object", "properties": properties, **({"required": wanted} if wanted else {})}


def _list(name: str) -> Schema:
    return {"type": "array", "maxItems": 100, "items": {"$ref": f"#/components/schemas/{name}"}}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _problem() -> Schema:
    return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _query(name: str, description: str, *, upto: int) -> Schema:
    schema = {"type": "integer", "minimum": 0, "maximum": upto}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, description: str, pattern: str = "^[!-~]{1,255}$") -> Schema:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }
