"""The admin speaks Russian: every word of ours that it shows stands in the catalogue, which is compiled."""

import ast
import gettext
import re
from pathlib import Path

import make
import pytest
from django.apps import apps
from django.utils import translation

import besedka

SOURCE = Path(besedka.__file__).parent
CATALOGUE = SOURCE / "locale" / "ru" / "LC_MESSAGES"
_LOOKED_UP = {"_", "gettext", "gettext_lazy", "ngettext"}
_TRANSLATE = re.compile(r"{% translate (\"|')(.*?)\1 %}")
_BLOCK = re.compile(r"{% blocktranslate([^%]*)%}(.*?)({% plural %}.*?)?{% endblocktranslate %}", re.DOTALL)
_LANGUAGES = re.compile(r"\.(ru|en)\.html$")  # pages that are written once in each language


def compiled():
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def in_code():
    """Texts in calls of gettext."""
    for module in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            looked_up = isinstance(node, ast.Call) and getattr(node.func, "id", "") in _LOOKED_UP
            if looked_up and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def in_templates():
    """Texts in the tags of templates."""
    for template in SOURCE.rglob("templates/**/*.html"):
        if not _LANGUAGES.search(template.name):
            text = template.read_text(encoding="utf-8")
            yield from (found[1] for found in _TRANSLATE.findall(text))
            for _options, said, _plural in _BLOCK.findall(text):
                yield re.sub(r"{{ (\w+) }}", r"%(\1)s", said).replace("%%", "%").replace(" %,", " %%,")


def of_models():
    """The names of apps, models and fields, and what is said to help."""
    with translation.override(None):
        for config in apps.get_app_configs():
            if config.name.startswith("besedka."):
                yield str(config.verbose_name)
                for model in config.get_models():
                    if model._meta.label != "accounts.User":
                        yield from map(str, (model._meta.verbose_name, model._meta.verbose_name_plural))
                        fields = [field for field in model._meta.local_fields if not field.auto_created]
                        yield from (str(text) for f in fields for text in (f.verbose_name, f.help_text) if text)


@pytest.mark.parametrize("words", [in_code, in_templates, of_models])
def test_every_word_is_there_in_russian(words):
    catalogue = compiled()

    missing = sorted(
        {text for text in words() if text not in catalogue._catalog and (text, 0) not in catalogue._catalog}
    )

    assert [text for text in missing if "%%" not in text] == []


def test_the_catalogue_is_compiled_from_what_is_written():
    written = (CATALOGUE / "django.po").read_text(encoding="utf-8")
    catalogue = compiled()
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', written, flags=re.MULTILINE)

    assert len(pairs) > 300
    for text, shown in pairs:
        text, shown = (part.replace('\\"', '"').replace("\\\\", "\\") for part in (text, shown))
        assert catalogue.gettext(text) == shown


def test_the_admin_is_in_the_language_of_its_reader(client, db):
    client.force_login(make.administrator())

    russian = client.get("/admin/bots/scenario/add/", HTTP_ACCEPT_LANGUAGE="ru").content.decode()
    english = client.get("/admin/bots/scenario/add/", HTTP_ACCEPT_LANGUAGE="en").content.decode()

    assert "Ключевые слова" in russian
    assert "Сценарии" in russian
    assert "Keywords" not in russian
    assert "Keywords" in english
    assert "Scenarios" in english
