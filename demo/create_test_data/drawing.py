"""Portraits of dogs and cats, drawn: each breed has its coat and its ears, each animal its own light and look."""

import io
import math
import random
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 900, 675  # units in which an animal is drawn
SHOWN = (640, 480)  # pixels of the picture
DRAWN = (1280, 960)  # pixels while it is drawn: made smaller afterwards, so that every edge is smooth
FINE = DRAWN[0] / WIDTH
SOFT = 8  # times smaller is what gets blurred anyway
INK = "#2a211d"


class Look(NamedTuple):
    """How a breed looks. Colours are those of coat, markings and chest."""

    coat: str
    marks: str
    light: str
    ears: str  # floppy, pointed, bat or cat
    pattern: str = "plain"  # plain, mask, patches, stripes, spots, points
    fluffy: bool = False
    eyes: str = "#5a3a1e"


BREEDS = {
    "Такса": Look("#8a4b24", "#5e2f14", "#c98a55", "floppy"),
    "Корги": Look("#d98f45", "#c47a33", "#fff6e8", "bat", "mask", fluffy=True),
    "Лабрадор": Look("#e6c68d", "#cda766", "#f5e3bd", "floppy"),
    "Хаски": Look("#5f6d7c", "#414d5a", "#f6f8fa", "pointed", "mask", fluffy=True, eyes="#4ea3d8"),
    "Шпиц": Look("#e79a4a", "#d5822f", "#f8cf9b", "pointed", fluffy=True),
    "Пудель": Look("#f1e3d3", "#dcc7b0", "#fff8ef", "floppy", fluffy=True),
    "Бигль": Look("#b46a33", "#2f2723", "#fffaf2", "floppy", "mask"),
    "Далматин": Look("#fbf9f5", "#2b2624", "#ffffff", "floppy", "spots"),
    "Овчарка": Look("#a8713c", "#2e2620", "#d2a56c", "pointed", "mask"),
    "Джек-рассел": Look("#fdf8ee", "#b7702f", "#ffffff", "floppy", "patches"),
    "Чихуахуа": Look("#d9ae7a", "#b98950", "#f3dfc2", "bat"),
    "Дворняга": Look("#6f5a48", "#3c3029", "#d8c6b2", "floppy", "patches"),
    "Британская": Look("#8791a0", "#717b8a", "#a3acb9", "cat", fluffy=True, eyes="#e0a126"),
    "Мейн-кун": Look("#7d6a58", "#463a30", "#d9cab8", "cat", "stripes", fluffy=True, eyes="#9bbf4a"),
    "Сиамская": Look("#f0e2cb", "#4d382c", "#fbf3e4", "cat", "points", eyes="#3f9be0"),
    "Сибирская": Look("#9c8a74", "#5d4d3f", "#efe3d2", "cat", "stripes", fluffy=True, eyes="#b3c94b"),
    "Сфинкс": Look("#e9b9a6", "#d59d89", "#f4d3c5", "cat", eyes="#7fc0c9"),
    "Бенгальская": Look("#d59a52", "#5a3517", "#f3d7a6", "cat", "spots", eyes="#8cbf4f"),
    "Рыжая": Look("#eb9a45", "#cf7422", "#fde0b8", "cat", "stripes", eyes="#a9b83c"),
    "Чёрная": Look("#37343a", "#262429", "#4a464e", "cat", eyes="#d9c23a"),
    "Трёхцветная": Look("#fbf4ea", "#d98a3d", "#ffffff", "cat", "patches", eyes="#9dae3e"),
    "Персидская": Look("#f3eee6", "#ded5c8", "#ffffff", "cat", fluffy=True, eyes="#d98a2b"),
}
LIGHTS = [
    ("#f9d9c3", "#e9a68a"), ("#cfe6dc", "#8fc3ad"), ("#d6e2f3", "#93b1d9"), ("#f7e7b8", "#e5c368"),
    ("#e6d8ef", "#b79bd0"), ("#d9ead0", "#a0c587"), ("#f6cfd4", "#dd8f9a"), ("#d3e9ee", "#86bdc9"),
]  # fmt: skip


def portrait(breed: str, *, young: bool, seed: str) -> bytes:
    """A JPEG of an animal of this breed. The same seed gives the same picture."""
    chance, look = random.Random(seed), BREEDS[breed]
    image, animal = _light(chance), Image.new("RGBA", DRAWN)
    _Animal(ImageDraw.Draw(animal), look, chance, young=young).draw()
    shadow = animal.getchannel("A").reduce(SOFT).filter(ImageFilter.GaussianBlur(4)).resize(DRAWN)
    image.paste("#3c2a20", (0, 14), shadow.point(lambda level: level // 3))
    image.paste(animal, mask=animal)
    written = io.BytesIO()
    image.reduce(DRAWN[0] // SHOWN[0]).save(written, "JPEG", quality=88)
    return written.getvalue()


def _light(chance: random.Random) -> Image.Image:
    """What is behind the animal: a soft light from above, and blurred lights in it."""
    above, below = chance.choice(LIGHTS)
    small = (DRAWN[0] // SOFT, DRAWN[1] // SOFT)
    slope = Image.linear_gradient("L").resize(small)
    image = Image.composite(Image.new("RGB", small, below), Image.new("RGB", small, above), slope)
    for _ in range(14):
        x, y, r = chance.randrange(small[0]), chance.randrange(small[1]), chance.randint(5, 22)
        light = Image.new("L", small)
        ImageDraw.Draw(light).ellipse((x - r, y - r, x + r, y + r), fill=chance.randint(18, 60))
        image.paste("white", mask=light)
    return image.filter(ImageFilter.GaussianBlur(1)).resize(DRAWN, Image.Resampling.BICUBIC)


class _Animal:
    """One animal while it is drawn. Lengths are counted from the middle of the head."""

    def __init__(self, draw: ImageDraw.ImageDraw, look: Look, chance: random.Random, *, young: bool) -> None:
        self.pen, self.look, self.chance = draw, look, chance
        self.is_cat = look.ears == "cat"
        self.size = 0.92 if young else 1.0
        self.eye = 27 if young else 23
        self.x, self.y = WIDTH / 2 + chance.uniform(-50, 50), HEIGHT * 0.46

    def draw(self) -> None:
        """From the back to the front."""
        look = self.look
        self._blob(0, 330, 215, 250, look.coat, tufts=look.fluffy)
        self._blob(0, 320, 105, 170, look.light, tufts=look.fluffy)
        if look.ears != "floppy":
            self._ears()
        self._blob(0, 0, 178 if self.is_cat else 165, 150 if self.is_cat else 168, look.coat, tufts=look.fluffy)
        self._pattern()
        if look.ears == "floppy":
            self._ears()
        self._muzzle()
        self._eyes()
        self._collar()

    def _ears(self) -> None:
        look = self.look
        for side in (-1, 1):
            if look.ears == "floppy":
                self._shape(
                    [(side * 95, -140), (side * 205, -95), (side * 222, 60), (side * 172, 118), (side * 128, 10)],
                    look.marks,
                )
                continue
            high, wide = {"bat": (-275, 190), "pointed": (-245, 150), "cat": (-215, 172)}[look.ears]
            outer = look.marks if look.pattern in ("points", "mask") else look.coat
            self._shape([(side * 45, -105), (side * wide, high), (side * 172, -25)], outer, round_by=7)
            self._shape(
                [(side * 80, -100), (side * (wide - 18), high + 48), (side * 152, -50)], "#eab3a6", round_by=5
            )

    def _pattern(self) -> None:
        look, chance = self.look, self.chance
        if look.pattern == "mask":
            for side in (-1, 1):
                self._shape(
                    [(side * 22, -150), (side * 128, -112), (side * 160, 10), (side * 105, 62), (side * 38, 20)],
                    look.marks,
                    round_by=22,
                )
            self._blob(0, 60, 88, 100, look.light)
            self._shape([(-17, -150), (17, -150), (26, 40), (-26, 40)], look.light, round_by=8)
        elif look.pattern == "patches":
            self._blob(-78, -38, 74, 88, look.marks)
            self._blob(110, 70, 42, 52, look.marks)
            if self.is_cat:
                self._blob(82, -82, 70, 50, "#3a322e")
        elif look.pattern == "stripes":
            for at in (-58, 0, 58):
                self._shape([(at - 13, -148), (at + 13, -148), (at * 0.72, -72)], look.marks, round_by=3)
            for side in (-1, 1):
                for down in (18, 56, 92):
                    self._shape(
                        [(side * 176, down - 13), (side * 176, down + 11), (side * 104, down + 2)],
                        look.marks,
                        round_by=3,
                    )
        elif look.pattern == "spots":
            for _ in range(26):
                turn, far = chance.uniform(0, 2 * math.pi), chance.uniform(0.45, 0.92)
                x, y = math.cos(turn) * 150 * far, math.sin(turn) * 130 * far
                if not (abs(abs(x) - 70) < 48 and -58 < y < 30):
                    self._blob(x, y, chance.uniform(7, 16), chance.uniform(6, 14), look.marks)
        elif look.pattern == "points":
            self._blob(0, 48, 112, 104, look.marks)

    def _muzzle(self) -> None:
        look = self.look
        dark = look.pattern == "points"
        nose = "#d98b86" if self.is_cat and not dark else INK
        if self.is_cat:
            for side in (-1, 1):
                self._blob(side * 31, 74, 42, 34, look.marks if dark else look.light)
                for down in (62, 76, 90):
                    self._line([(side * 66, down), (side * 190, down + (down - 76) * 1.3 - 6)], "#ffffff", 2)
            self._shape([(-19, 42), (19, 42), (0, 62)], nose, round_by=5)
        else:
            self._blob(0, 80, 84, 70, look.light)
            self._blob(0, 46, 36, 26, nose)
            self._blob(-10, 39, 10, 6, "#6e625b")
        top = 62 if self.is_cat else 70
        self._line([(0, top), (0, top + 26)], INK, 5)
        for side in (-1, 1):
            self._bow(side * 24, top + 22, 24, 18, 10, 170, INK, 5)
        if not self.is_cat and self.chance.random() < 0.6:
            self._shape([(-19, 112), (19, 112), (17, 146), (0, 158), (-17, 146)], "#e8737a", round_by=8)
            self._line([(0, 114), (0, 142)], "#cf565f", 3)

    def _eyes(self) -> None:
        size = self.eye
        for side in (-1, 1):
            x, y = side * 70, -18
            self._blob(x, y, size + 5, size + 5, INK)
            self._blob(x, y, size, size, self.look.eyes)
            self._blob(x, y, size * (0.38 if self.is_cat else 0.66), size * 0.86, "#15100e")
            self._blob(x - 8, y - 9, 8, 8, "#ffffff")
            self._blob(x + 7, y + 8, 4, 4, "#ffffff")

    def _collar(self) -> None:
        colour = self.chance.choice(["#c0392b", "#2c6e8f", "#3f7d4e", "#7a4a8c", "#c98a1b"])
        self._bow(0, 92, 138, 120, 38, 142, colour, 24)
        self._blob(0, 222, 21, 21, "#f2c14e")
        self._blob(-6, 216, 6, 6, "#fdeab5")

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return (self.x + x * self.size) * FINE, (self.y + y * self.size) * FINE

    def _blob(self, x: float, y: float, wide: float, high: float, colour: str, *, tufts: bool = False) -> None:
        """An ellipse; with tufts its edge is one of hair."""
        steps = 64 if tufts else 0
        if not tufts:
            self.pen.ellipse((*self._at(x - wide, y - high), *self._at(x + wide, y + high)), fill=colour)
        edge = []
        for step in range(2 * steps):
            turn, out = math.pi * step / steps, 1 + (self.chance.uniform(0.06, 0.13) if step % 2 else -0.01)
            edge.append(self._at(x + math.cos(turn) * wide * out, y + math.sin(turn) * high * out))
        if edge:
            self.pen.polygon(edge, fill=colour)

    def _shape(self, corners: list[tuple[float, float]], colour: str, *, round_by: float = 26) -> None:
        """A polygon with round corners."""
        points, width = [self._at(*corner) for corner in corners], round_by * 2 * self.size * FINE
        self.pen.polygon(points, fill=colour)
        self.pen.line([*points, points[0], points[1]], fill=colour, width=round(width), joint="curve")

    def _line(self, points: list[tuple[float, float]], colour: str, width: float) -> None:
        self.pen.line(
            [self._at(*point) for point in points], fill=colour, width=round(width * FINE), joint="curve"
        )

    def _bow(
        self, x: float, y: float, wide: float, high: float, begin: int, end: int, colour: str, width: float
    ) -> None:
        box = (*self._at(x - wide, y - high), *self._at(x + wide, y + high))
        self.pen.arc(box, begin, end, fill=colour, width=round(width * FINE))
