"""Fields of forms for what steps hold: lines for lists and pairs, choices for steps, rows for conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

EMPTY_ROWS = 3  # under the rows that are there

Choices = Sequence[tuple[str, Any]]


class Text(forms.CharField):
    """A text of several lines, kept as it is written."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        super().__init__(strip=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), **options)


class Line(forms.CharField):
    """A text of one line."""

    widget = UnfoldAdminTextInputWidget


class Number(forms.FloatField):
    """A number; whole ones stay whole."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> Any:
        """The number, or None."""
        number = super().clean(value)
        return int(number) if number is not None and number == int(number) else number


class Json(forms.JSONField):
    """A value as JSON; nothing is an empty field."""

    def __init__(self, *, rows: int = 3, **options: Any) -> None:
        attrs = {"rows": rows, "spellcheck": "false", "class": "font-mono"}
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs=attrs), **options)

    def prepare_value(self, value: Any) -> Any:
        """The JSON of what is there."""
        return "" if value is None else super().prepare_value(value)


class Choice(forms.ChoiceField):
    """One of a few."""

    widget = UnfoldAdminSelectWidget


class Lines(Text):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        """Lines of what is there."""
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        """The lines that have something in them."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class Pairs(Text):
    """Names and values, one pair a line."""

    def __init__(self, *, between: str, **options: Any) -> None:
        self.between = between
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        """Lines of what is there."""
        if not isinstance(value, Mapping):
            return value
        return "\n".join(f"{name}{self.between} {one}".replace("  ", " ") for name, one in value.items())

    def clean(self, value: Any) -> Any:
        """The pairs. Raises `ValidationError` for a line that is none."""
        pairs = {}
        for line in super().clean(value).splitlines():
            name, between, one = line.partition(self.between.strip())
            if line.strip():
                if not between or not name.strip():
                    raise forms.ValidationError(_("Each line is “name%(sign)s value”.") % {"sign": self.between})
                pairs[name.strip()] = one.strip()
        return pairs


class Buttons(Text):
    """Buttons, one a line: the label, and after `|` what it means if that is something else."""

    def prepare_value(self, value: Any) -> Any:
        """Lines of what is there."""
        if not isinstance(value, list | tuple):
            return value
        return "\n".join(
            one["label"] + (f" | {one['value']}" if one.get("value") is not None else "") for one in value
        )

    def clean(self, value: Any) -> Any:
        """The buttons."""
        buttons = []
        for line in super().clean(value).splitlines():
            label, bar, meaning = (part.strip() for part in line.partition("|"))
            if label:
                buttons.append({"label": label, "value": meaning} if bar else {"label": label})
        return buttons


class Rows(forms.Widget):
    """Rows of small fields, some of them empty to write into. A column is a title and choices, if it has any."""

    template_name = "bots/rows.html"

    def __init__(self, columns: Sequence[tuple[Any, Choices | None]]) -> None:
        self.columns = list(columns)
        super().__init__()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The rows that are there, and some to write into."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        rows = [*(value or []), *([("",) * len(self.columns)] * EMPTY_ROWS)]
        context["titles"] = [title for title, _choices in self.columns]
        context["rows"] = [
            [self._cell(name, row, at, column) for column in range(len(self.columns))]
            for at, row in enumerate(rows)
        ]
        return context

    def _cell(self, name: str, row: Sequence[str], at: int, column: int) -> str:
        title, choices = self.columns[column]
        attrs = {"id": f"id_{name}_{at}_{column}", "aria-label": title}
        widget = (
            UnfoldAdminTextInputWidget() if choices is None else UnfoldAdminSelectWidget(choices=list(choices))
        )
        return str(widget.render(f"{name}_{column}", row[column], attrs))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[tuple[str, ...]]:
        """The rows whose first field has something in it."""
        columns = [data.getlist(f"{name}_{column}") for column in range(len(self.columns))]
        rows = zip(*columns, strict=False)
        return [(row[0].strip(), *row[1:]) for row in rows if row[0].strip()]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the rows were on the page at all."""
        return f"{name}_0" not in data


class Conditions(forms.Field):
    """Words in the last answer, each with its step and what is said on the way."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=Rows([]), **options)

    def let_choose(self, steps: Choices) -> None:
        """Let each row choose among these steps."""
        self.widget.columns = [(_("the answer contains"), None), (_("go to"), steps), (_("say"), None)]

    def clean(self, value: Any) -> Any:
        """The rows. Raises `ValidationError` for a word without a step."""
        return _with_step(value, 1)


class Rules(forms.Field):
    """Rules on variables, each with its step: the first one that holds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=Rows([]), **options)

    def let_choose(self, steps: Choices) -> None:
        """Let each row choose among these steps."""
        operations = [(one, OPERATIONS[one]) for one in OPERATIONS]
        self.widget.columns = [
            (_("variable"), None), (_("is"), operations), (_("than, or to"), None), (_("go to"), steps)
        ]  # fmt: skip

    def clean(self, value: Any) -> Any:
        """The rows. Raises `ValidationError` for a rule without a step."""
        return _with_step(value, 3)


OPERATIONS = {
    "equals": _("equal to"),
    "contains": _("containing"),
    "one_of": _("one of (comma)"),
    "less": _("less than"),
    "at_most": _("at most"),
    "more": _("more than"),
    "at_least": _("at least"),
    "matches": _("like the pattern"),
    "is_set": _("there at all"),
}


def _with_step(rows: Any, column: int) -> Any:
    for row in rows or []:
        if not row[column]:
            raise forms.ValidationError(_("Choose a step for “%(word)s”.") % {"word": row[0]})
    return rows or []
