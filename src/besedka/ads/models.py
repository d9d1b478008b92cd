from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MAX_TITLE, MAX_DESCRIPTION, MAX_BREED, MAX_LOCATION = 200, 10_000, 100, 200  # characters
MAX_AGE = 100  # years
MAX_PRICE = 1_000_000_000  # roubles


class Ad(models.Model):
    """Somebody offers an animal. Its version grows with every change, so that nobody undoes another's unseen."""

    class Kind(models.TextChoices):
        DOG = "Dog", _("dog")
        CAT = "Cat", _("cat")

    class Gender(models.TextChoices):
        MALE = "M", _("male")
        FEMALE = "F", _("female")

    title = models.CharField(max_length=MAX_TITLE)
    description = models.TextField(max_length=MAX_DESCRIPTION)
    kind = models.CharField(max_length=3, choices=Kind)
    breed = models.CharField(max_length=MAX_BREED)
    age = models.PositiveSmallIntegerField(validators=[MaxValueValidator(MAX_AGE)], help_text=_("in whole years"))
    gender = models.CharField(max_length=1, choices=Gender)
    location = models.CharField(max_length=MAX_LOCATION)
    price = models.PositiveIntegerField(validators=[MaxValueValidator(MAX_PRICE)], help_text=_("in whole roubles"))
    picture = models.CharField(max_length=32, blank=True, default="", editable=False)  # its random name, if any
    picture_width = models.PositiveIntegerField(default=0, editable=False)
    picture_height = models.PositiveIntegerField(default=0, editable=False)
    # SQLite knows no case but that of ASCII: what is searched is folded before it is stored (`searching.py`).
    breed_words = models.CharField(max_length=MAX_BREED, editable=False)
    location_words = models.CharField(max_length=MAX_LOCATION, editable=False)
    words = models.TextField(editable=False)  # of all its texts, a space around each
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["price", "id"], name="ads_by_price"),
            models.Index(fields=["age", "id"], name="ads_by_age"),
            models.Index(fields=["breed_words"], name="ads_by_breed", opclasses=["varchar_pattern_ops"]),
            models.Index(
                fields=["location_words", "price"],
                name="ads_by_location",
                opclasses=["varchar_pattern_ops", "int4_ops"],
            ),
            # Everything that a list can be narrowed by, so that few ads are found without a look at each of all.
            models.Index(
                fields=["kind", "gender", "age", "price", "breed_words", "location_words"], name="ads_by_filters"
            ),
        ]
        constraints = [
            models.CheckConstraint(name="ad_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(name="ad_kind_is_known", condition=Q(kind__in=["Dog", "Cat"])),
            models.CheckConstraint(name="ad_gender_is_known", condition=Q(gender__in=["M", "F"])),
            models.CheckConstraint(name="ad_age_is_possible", condition=Q(age__gte=0, age__lte=MAX_AGE)),
            models.CheckConstraint(name="ad_price_is_possible", condition=Q(price__gte=0, price__lte=MAX_PRICE)),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def etag(self) -> str:
        """What names this state of this ad."""
        return f'"{self.pk}-{self.version}"'


class Sent(models.Model):
    """A form that an ad was published by: sent twice, it publishes once."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=32)  # the form's own, used once
    ad = models.OneToOneField(Ad, models.CASCADE, related_name="sent")

    class Meta:
        constraints = [models.UniqueConstraint(name="a_form_publishes_once", fields=["author", "key"])]

    def __str__(self) -> str:
        return f"form of ad {self.ad_id}"
