import make
import pytest
from django.db import IntegrityError, transaction

from besedka.ads.models import Ad

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"kind": "Cow"}, {"gender": "X"}, {"age": 101}, {"price": 1_000_000_001}]
)
def test_the_database_refuses_what_is_no_ad(wrong):
    ad = make.ad()

    with pytest.raises(IntegrityError), transaction.atomic():
        Ad.objects.filter(pk=ad.pk).update(**wrong)


def test_the_ads_of_an_account_go_with_it():
    ad = make.ad()

    ad.created_by.delete()

    assert not Ad.objects.exists()


def test_an_etag_names_the_state_of_one_ad():
    one, other = make.ad(), make.ad()

    assert one.etag != other.etag
