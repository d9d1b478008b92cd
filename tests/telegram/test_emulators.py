"""Contract §1's operators against Bot API servers that nobody here wrote."""

import time

import httpx2
import make
import pictures
import pytest
import telegram_emulators
from telegram_people import invite, logged, waiting
from telegram_server import TOKEN, wait_until

from besedka.conversations import attachments
from besedka.conversations.models import Message
from besedka.desk.models import Operator

pytestmark = pytest.mark.django_db(transaction=True)


class Polled:
    """Somebody with a phone at telegram-test-api."""

    def __init__(self, address, number):
        self.address, self.number, self.seen = address, number, []
        self.who = {"id": number, "first_name": f"Анна{number}", "is_bot": False}

    def writes(self, text):
        message = {
            "botToken": TOKEN,
            "from": self.who,
            "chat": {"id": self.number, "first_name": "Анна", "type": "private"},
            "date": int(time.time()),
            "text": text,
        }
        self._post("/sendMessage", message)

    def presses(self, message, data):
        shown = {"message_id": message["messageId"], "chat": {"id": self.number, "type": "private"}}
        self._post("/sendCallback", {"botToken": TOKEN, "from": self.who, "message": shown, "data": data})

    def texts(self):
        self.seen += self._post("/getUpdates", {"token": TOKEN, "chatId": self.number})["result"]
        return [one["message"]["text"] for one in self.seen]

    def button(self):
        self.texts()
        for one in reversed(self.seen):
            for row in one["message"].get("reply_markup", {}).get("inline_keyboard", []):
                return one, row[0]["callback_data"]
        return None

    def _post(self, path, body):
        answer = httpx2.post(f"{self.address}{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_telegram_test_api_by_polling(settings, tmp_path, fast, office):
    with telegram_emulators.test_api(tmp_path) as address:
        settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_API_BASE = TOKEN, address
        anna, boris = Polled(address, 7001), Polled(address, 7002)
        with office():
            for person in (anna, boris):
                person.writes("/start")
                wait_until(person.texts)
            Operator.objects.update(is_enabled=True)
            for person in (anna, boris):
                person.writes("/start")
                wait_until(lambda p=person: "Вы перешли в режим ожидания клиентов." in p.texts())
            conversation = waiting("Торгуете?", "abcdefgh-token")
            invite()
            pressed = wait_until(anna.button)
            assert wait_until(boris.button)
            assert "Новое сообщение от клиента abcde." in anna.texts()
            anna.presses(*pressed)
            wait_until(lambda: "Торгуете?" in anna.texts())
            anna.writes("Да")
            wait_until(lambda: ("operator", "Да") in logged(conversation))
            make.say(make.address_of(conversation), "Спасибо")
            wait_until(lambda: "Спасибо" in anna.texts())
            anna.writes("/finish")
            wait_until(lambda: any("окончена" in text for text in anna.texts()))

    conversation.refresh_from_db()
    assert conversation.status == "closed"
    assert "Торгуете?" not in [one["message"]["text"] for one in boris.seen]


class Called:
    """Somebody with a phone at telemelya."""

    def __init__(self, address, number):
        self.number = number
        headers = {"Authorization": f"Bearer {telegram_emulators.KEY}", "X-Test-Session": f"s{number}"}
        self.http = httpx2.Client(base_url=f"{address}/api/v1/test", headers=headers, timeout=30)

    def sends(self, **update):
        answer = self.http.post(
            "/send_update", params={"bot_token": TOKEN}, json={"chat_id": self.number, **update}
        )
        assert answer.status_code == 200, answer.text
        time.sleep(0.01)  # it numbers updates by the millisecond

    def got(self, method):
        found = self.http.get("/responses").json()["responses"]
        return [one for one in found if one["method"] == method]

    def texts(self):
        return [one["text"] for one in self.got("sendMessage")]


def test_telemelya_by_webhook(settings, tmp_path, fast, office, live_server):
    settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_WEBHOOK_SECRET = TOKEN, "a-secret"
    settings.MEDIA_ROOT = tmp_path
    ours = f"{live_server.url}/telegram/webhook"
    header = {"X-Telegram-Bot-Api-Secret-Token": "a-secret"}
    with (
        telegram_emulators.telemelya(tmp_path) as address,
        telegram_emulators.completer(ours, header) as public,
    ):
        settings.TELEGRAM_API_BASE, settings.TELEGRAM_WEBHOOK_URL = address, public
        anna = Called(address, 7_100_000 + int(time.time()) % 100_000)
        with office():
            info = f"{address}/bot{TOKEN}/getWebhookInfo"
            wait_until(lambda: httpx2.post(info).json()["result"]["url"] == public)
            anna.sends(command="/start")
            wait_until(anna.texts)
            Operator.objects.update(is_enabled=True)
            anna.sends(command="/start")
            wait_until(lambda: "Вы перешли в режим ожидания клиентов." in anna.texts())
            conversation = waiting("Торгуете?", "abcdefgh-token")
            invite()
            invited = wait_until(
                lambda: [one for one in anna.got("sendMessage") if one["reply_markup"]], within_s=20
            )
            [[button]] = invited[0]["reply_markup"]["inline_keyboard"]
            anna.sends(callback_data=button["callback_data"], callback_message_id=invited[0]["message_id"])
            wait_until(lambda: "Торгуете?" in anna.texts())
            anna.sends(text="Да")
            wait_until(lambda: ("operator", "Да") in logged(conversation))
            uploaded = anna.http.post("/upload_media", files={"file": ("a.jpg", pictures.of("JPEG"))}).json()
            anna.sends(photo_file_id=uploaded["file_id"], photo_caption="Вот")
            wait_until(lambda: ("operator", "Вот") in logged(conversation))
            asked = Message.objects.get(conversation=conversation, text="Торгуете?")
            make.say(make.address_of(conversation), "Торгуете ли вы?", payload={"edits": asked.seq})
            wait_until(lambda: [one["text"] for one in anna.got("editMessageText")] == ["Торгуете ли вы?"])
            anna.sends(command="/finish")
            wait_until(lambda: any("окончена" in text for text in anna.texts()))
            assert anna.got("answerCallbackQuery")
            anna.http.close()

    carried = Message.objects.get(conversation=conversation, text="Вот").payload["file"]
    assert attachments.read(carried["key"]).media_type == "image/jpeg"
    conversation.refresh_from_db()
    assert conversation.status == "closed"
