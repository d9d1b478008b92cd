"""Forty ads of dogs and cats in many towns, from `ads.json`."""

import json
from pathlib import Path
from typing import NamedTuple


class SampleAd(NamedTuple):
    """An ad without its picture. Age in whole years, price in whole roubles."""

    title: str
    kind: str
    breed: str
    age: int
    gender: str
    location: str
    price: int
    description: str


ADS = [SampleAd(**ad) for ad in json.loads(Path(__file__).with_name("ads.json").read_text(encoding="utf-8"))]
