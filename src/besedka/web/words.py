"""The names of apps, models and fields in the language of whoever reads them.

Models are named once, in code; that their names are looked up in the catalogue is said here for all of them, so no
model need repeat its own name. Django keeps what a migration knows of a field apart from what is shown.
"""

from typing import Any

from django.apps import AppConfig
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

OURS = "besedka."


def translate(configs: list[AppConfig]) -> None:
    """Let every name of ours be shown in the reader's language."""
    for config in configs:
        if config.name.startswith(OURS):
            config.verbose_name = _shown(config.verbose_name)
            for model in config.get_models():
                _translate_model(model)


def _translate_model(model: Any) -> None:
    options = model._meta
    if not isinstance(options.verbose_name, Promise):
        # The plural that Django makes by itself is a promise, of an English one.
        options.verbose_name_plural = gettext_lazy(str(options.verbose_name_plural))
        options.verbose_name = gettext_lazy(options.verbose_name)
    for field in options.local_fields:
        if not field.auto_created:
            field.verbose_name, field.help_text = _shown(field.verbose_name), _shown(field.help_text)


def _shown(name: Any) -> Any:
    """The name, looked up each time that it is shown; what Django itself translates stays as it is."""
    return name if isinstance(name, Promise) or not name else gettext_lazy(name)
