"""Forms for what steps hold, one for each type: from content to fields and back."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from besedka.bots.builder import rules
from besedka.bots.builder.fields import Buttons, Choice, Conditions, Json, Line, Number, Pairs, Rules, Text
from besedka.bots.models import Scenario, Step

Content = dict[str, Any]

_NAMES = _("A name of letters and digits; {name} in a text puts the value there.")
_BUTTONS = _("One a line. “Label | value” when it means something else than it says.")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_TYPES = [
    ("text", _("any text")),
    ("number", _("a number")),
    ("email", _("an e-mail address")),
    ("phone", _("a phone number")),
    ("date", _("a date")),
    ("choice", _("one of the buttons")),
]


def _step(label: Any, help_text: Any = "") -> Choice:
    """A choice among the steps of the scenario."""
    return Choice(required=False, label=label, help_text=help_text)


_FIELDS: dict[str, dict[str, forms.Field]] = {
    "message": {
        "message": Text(label=_("Text"), rows=4, help_text=_("{name} puts a variable there.")),
        "buttons": Buttons(required=False, label=_("Buttons"), help_text=_BUTTONS),
    },
    "question": {
        "question": Text(label=_("Question")),
        "save_as": Line(required=False, label=_("Remember the answer as"), help_text=_NAMES),
        "response_template": Text(
            required=False, label=_("Then say"), rows=2, help_text=_("{user_input} is the answer.")
        ),
        "buttons": Buttons(required=False, label=_("Buttons"), help_text=_BUTTONS),
        "check_type": Choice(choices=_TYPES, label=_("The answer is")),
        "check_min_length": Number(required=False, label=_("Least characters")),
        "check_max_length": Number(required=False, label=_("Most characters")),
        "check_min": Number(required=False, label=_("Least number")),
        "check_max": Number(required=False, label=_("Largest number")),
        "check_pattern": Line(required=False, label=_("Pattern"), help_text=_("A regular expression (RE2).")),
        "check_message": Text(
            required=False, rows=2, label=_("Said when it does not fit"), help_text=_("Empty: a text of ours.")
        ),
        "attempts": Number(required=False, label=_("Attempts"), help_text=_("Empty: three.")),
        "on_exhausted": _step(_("After the last attempt go to"), _("Empty: a person is called.")),
    },
    "condition": {
        "conditions": Conditions(
            required=False,
            label=_("Words in the last answer"),
            help_text=_("The first one that the answer contains, whatever its case."),
        ),
        "rules": Rules(
            required=False,
            label=_("Or rules"),
            help_text=_("The first one that holds. The variable “answer” is the last answer."),
        ),
        "branches": Json(
            required=False,
            label=_("Or rules of several parts, as JSON"),
            help_text=_('[{"if": {"not": {"value": {"variable": "age"}, "op": "less", "with": 9}}, "then": "7"}]'),
        ),
        "default_response": Text(required=False, rows=2, label=_("Say when nothing fits")),
        "else": _step(_("When nothing fits go to"), _("Empty: the next step.")),
    },
    "api_call": {
        "method": Choice(choices=[(one, one) for one in _METHODS], label=_("Method")),
        "url": Line(label=_("Address"), help_text=_("https://…; {name} may stand behind the host.")),
        "headers": Pairs(
            between=":",
            required=False,
            label=_("Headers"),
            help_text=_("“Name: value”; {secret.NAME} sends a secret."),
        ),
        "query": Pairs(between="=", required=False, label=_("Query"), help_text=_("“name = value”, one a line.")),
        "json": Json(
            required=False,
            label=_("Body as JSON"),
        ),
        "form": Pairs(between="=", required=False, label=_("Or body as a form"), help_text=_("“name = value”")),
        "save": Pairs(
            between="=",
            required=False,
            label=_("Remember from the reply"),
            help_text=_("“variable = path”, as temperature = now.0.t"),
        ),
        "save_as": Line(required=False, label=_("Remember the whole reply as")),
        "success_message": Text(required=False, rows=2, label=_("Say when it came")),
        "on_error": _step(_("When it fails go to"), _("Empty: a person is called.")),
        "error_message": Text(required=False, rows=2, label=_("Say when it fails")),
        "on_unknown": _step(_("When nobody knows whether it worked go to"), _("Empty: as when it fails.")),
        "timeout_s": Number(required=False, label=_("Seconds to wait"), help_text=_("1 to 30; empty: ten.")),
    },
    "answer": {
        "prompt": Text(
            required=False, label=_("What the model is asked"), help_text=_("Empty: what was said last.")
        ),
        "save_as": Line(required=False, label=_("Remember the answer as"), help_text=_NAMES),
        "say": forms.BooleanField(
            required=False, initial=True, label=_("Say the answer"), widget=UnfoldBooleanSwitchWidget
        ),
    },
    "handoff": {
        "message": Text(required=False, label=_("Say before")),
        "reason": Line(required=False, label=_("Reason"), help_text=_("For the person and the reports.")),
    },
    "set": {
        "variables": Pairs(between="=", label=_("Variables"), help_text=_("“name = value”, one a line.")),
    },
    "jump": {
        "scenario": Choice(label=_("Scenario")),
        "step": _step(_("Step"), _("Of this scenario; empty: the first one.")),
        "back": forms.BooleanField(
            required=False, label=_("Come back when it is complete"), widget=UnfoldBooleanSwitchWidget
        ),
    },
    "wait": {
        "seconds": Number(label=_("Seconds")),
        "message": Text(required=False, rows=2, label=_("Say before")),
        "on_timeout": _step(_("When time is up go to"), _("Empty: the next step.")),
        "on_answer": _step(_("When something is said go to"), _("Empty: the next step.")),
        "save_as": Line(required=False, label=_("Remember what is said as"), help_text=_NAMES),
    },
}  # fmt: skip
_RULES = "check_"
_PARTNERS = {
    "check_min_length": "check_max_length",
    "check_min": "check_max",
    "json": "form",
    "headers": "query",
    "on_error": "error_message",
}
_ALWAYS = {"say"}  # fields whose emptiness means something


def names(kind: str) -> list[str]:
    """The fields of this type of step."""
    return list(_FIELDS[kind])


def rows(kind: str) -> list[str | tuple[str, ...]]:
    """The same as they stand on the page: two that belong together side by side."""
    placed: list[str | tuple[str, ...]] = []
    for name in names(kind):
        partner = _PARTNERS.get(name)
        if partner is not None:
            placed.append((name, partner))
        elif name not in _PARTNERS.values():
            placed.append(name)
    return placed


def fields(kind: str) -> dict[str, forms.Field]:
    """The same, for a form to take."""
    return _FIELDS[kind]


def prepare(form_fields: Mapping[str, Any], scenario: Scenario) -> None:
    """Let the fields of a form choose among the steps and scenarios that there are."""
    steps = [("", "—"), *((str(step.pk), str(step)) for step in scenario.steps.order_by("order", "pk"))]
    for name in ("on_exhausted", "else", "on_error", "on_unknown", "on_timeout", "on_answer", "step"):
        if name in form_fields:
            form_fields[name].choices = steps
    for name in ("conditions", "rules"):
        if name in form_fields:
            form_fields[name].let_choose(steps)
    if "scenario" in form_fields and isinstance(form_fields["scenario"], Choice):
        others = Scenario.objects.filter(bot=scenario.bot_id).order_by("pk")
        form_fields["scenario"].choices = [(str(other.pk), other.name) for other in others]
        everywhere = Step.objects.filter(scenario__bot=scenario.bot_id).select_related("scenario")
        choices = [
            (str(one.pk), f"{one.scenario}: {one}") for one in everywhere.order_by("scenario", "order", "pk")
        ]
        form_fields["step"].choices = [("", "—"), *choices]


def initial(kind: str, content: Content) -> dict[str, Any]:
    """The values of the fields for a content that is there."""
    values: dict[str, Any] = dict(content)
    values |= {f"{_RULES}{name}": one for name, one in content.get("validation_rules", {}).items()}
    if kind == "condition":
        says = content.get("responses", {})
        conditions = content.get("conditions", {})
        values["conditions"] = [(word, str(step), says.get(word, "")) for word, step in conditions.items()]
        rows = rules.rows_of(content.get("branches", []))
        if rows is not None:
            values["rules"] = rows
            values.pop("branches", None)
    return {name: values[name] for name in names(kind) if name in values}


def content(kind: str, cleaned: Mapping[str, Any]) -> Content:
    """The content that these values make; what is empty is left out."""
    given = {name: cleaned.get(name) for name in names(kind)}
    made: Content = {
        name: one
        for name, one in given.items()
        if not name.startswith(_RULES) and (name in _ALWAYS or one not in (None, "", [], {}, False))
    }
    checks = {name.removeprefix(_RULES): one for name, one in given.items() if name.startswith(_RULES)}
    if checks := {name: one for name, one in checks.items() if one not in (None, "")}:
        made["validation_rules"] = checks
    if kind == "condition" and (written := made.pop("rules", None)):
        made["branches"] = [*rules.branches_of(written), *made.get("branches", [])]
    if kind == "condition" and "conditions" in made:
        rows = made.pop("conditions")
        made["conditions"] = {word: step for word, step, _ in rows}
        if says := {word: say for word, _, say in rows if say}:
            made["responses"] = says
    return made


def field_of(kind: str, path: str) -> str | None:
    """The field in which a fault at this path of the content is shown."""
    first, _, rest = path.partition(".")
    if first == "validation_rules":
        first = _RULES + rest.partition(".")[0]
    elif first == "responses":
        first = "conditions"
    elif first == "branches":
        first = "rules"
    return first if first in names(kind) else None
