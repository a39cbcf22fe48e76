"""How each value of each part is drawn. A part uses its own colours only, so that it tells nothing of the others."""

import math
import random
from collections.abc import Callable

from selfsynth.demo.world.canvas import Box, Canvas, Colour, jittered

BODY_COLOURS: dict[str, Colour] = {
    "red": (205, 35, 40),
    "blue": (40, 85, 205),
    "yellow": (242, 220, 50),
    "green": (105, 200, 50),
    "brown": (135, 80, 40),
    "black": (28, 28, 32),
    "purple": (135, 50, 175),
    "orange": (240, 125, 20),
}
SLATE: Colour = (78, 84, 104)
WHITE: Colour = (248, 248, 244)
DARK: Colour = (22, 20, 24)
HORN: Colour = (96, 58, 38)

BODY: Box = (-31, -17, 24, 20)
WING: Box = (-27, -13, 0, 10)
BREAST: Box = (3, -9, 24, 17)
HEAD: Box = (10, -38, 37, -12)


def draw_body(canvas: Canvas, value: str, rng: random.Random) -> None:
    canvas.ellipse(BODY, jittered(BODY_COLOURS[value], 14, rng))


def draw_wing(canvas: Canvas, value: str, _: random.Random) -> None:
    canvas.ellipse(WING, SLATE)
    if value == "striped":
        for x in (-21, -14, -7):
            canvas.line((x, -8), (x + 2, 5), WHITE, 4)
    elif value == "spotted":
        for x, y in ((-22, -4), (-15, -9), (-7, -8), (-18, 3), (-11, -2), (-4, 0), (-11, 6)):
            canvas.dot(x, y, 2.4, (245, 236, 200))
    elif value == "patch":
        canvas.ellipse((-21, -8, -5, 5), WHITE)


def draw_breast(canvas: Canvas, value: str, rng: random.Random) -> None:
    ground = {"rosy": (250, 140, 175), "golden": (222, 170, 40)}.get(value, WHITE)
    canvas.ellipse(BREAST, ground)
    if value == "speckled":
        for _ in range(12):
            angle, radius = rng.uniform(0, 2 * math.pi), rng.random() ** 0.5
            canvas.dot(13.5 + 8 * radius * math.cos(angle), 4 + 10 * radius * math.sin(angle), 2, (55, 40, 32))
    elif value == "banded":
        canvas.polygon(((4, -1), (23, -2), (23, 6), (4, 8)), DARK)


def draw_head(canvas: Canvas, value: str, _: random.Random) -> None:
    canvas.ellipse(HEAD, (205, 200, 192))
    if value == "masked":
        canvas.polygon(((11, -30), (36, -30), (36, -20), (11, -20)), DARK)
    elif value == "capped":
        canvas.half_disc((10, -38, 37, -16), (200, 20, 55))
    elif value == "ringed":
        canvas.dot(27, -25, 8, (70, 66, 66))
        canvas.dot(27, -25, 7, (255, 255, 255))
    elif value == "cheeked":
        canvas.dot(18, -20, 5.5, (245, 130, 20))
    canvas.dot(27, -25, 2.8, (5, 5, 5))


def draw_crest(canvas: Canvas, value: str, _: random.Random) -> None:
    if value == "spiky":
        canvas.polygon(((13, -34), (8, -54), (18, -43), (22, -58), (27, -43), (36, -52), (32, -34)), SLATE)
    elif value == "round":
        canvas.ellipse((8, -47, 28, -33), SLATE)
    elif value == "plume":
        canvas.line((20, -36), (8, -60), SLATE, 4)
        canvas.dot(8, -58, 4, SLATE)


def draw_beak(canvas: Canvas, value: str, _: random.Random) -> None:
    if value == "cone":
        canvas.polygon(((35, -33), (48, -24), (35, -15)), HORN)
    elif value == "straight":
        canvas.polygon(((35, -27), (64, -24), (35, -21)), HORN)
    elif value == "curved":
        canvas.polygon(((35, -30), (47, -29), (57, -20), (57, -6), (50, -17), (44, -21), (35, -20)), HORN)
    else:
        canvas.polygon(((35, -26), (54, -27), (54, -21), (35, -22)), HORN)
        canvas.ellipse((49, -31, 64, -17), HORN)


def draw_tail(canvas: Canvas, value: str, _: random.Random) -> None:
    outline = {
        "forked": ((-24, -4), (-57, -21), (-42, 1), (-57, 20), (-22, 8)),
        "square": ((-24, -6), (-43, -6), (-43, 9), (-24, 9)),
        "fan": ((-22, 0), (-48, -24), (-56, 0), (-48, 24), (-22, 6)),
        "pointed": ((-22, -6), (-66, 2), (-22, 9)),
    }[value]
    canvas.polygon(outline, SLATE)


def draw_legs(canvas: Canvas, value: str, _: random.Random) -> None:
    for x in (-7, 8):
        if value == "orange":
            canvas.line((x, 14), (x + 1, 46), (245, 120, 20), 4)
        elif value == "black":
            canvas.line((x, 12), (x, 30), DARK, 6)
        elif value == "webbed":
            canvas.line((x, 12), (x, 27), (240, 215, 40), 4)
            canvas.polygon(((x - 3, 26), (x + 12, 36), (x - 8, 36)), (240, 215, 40))
        else:
            canvas.line((x, 12), (x, 38), (40, 110, 240), 7)


# In drawing order: what comes later lies in front.
DRAWERS: dict[str, Callable[[Canvas, str, random.Random], None]] = {
    "tail": draw_tail,
    "legs": draw_legs,
    "body": draw_body,
    "wing": draw_wing,
    "breast": draw_breast,
    "head": draw_head,
    "crest": draw_crest,
    "beak": draw_beak,
}
