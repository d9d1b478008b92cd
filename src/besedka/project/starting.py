"""What is looked at before anybody is let in."""

from django.core import checks

from besedka.web.checks import TAG


def refuse_unsafe_settings() -> None:
    """Go on only with settings that are safe and go together. Raises `SystemExit`, a sentence for each fault."""
    faults = [found for found in checks.run_checks(tags=[TAG]) if found.level >= checks.ERROR]
    if faults:
        told = [f"{fault.msg} {fault.hint or ''}".strip() for fault in faults]
        raise SystemExit("\n".join(["Besedka does not start:", *(f"  {sentence}" for sentence in told)]))
