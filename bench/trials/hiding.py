"""Does an explanation follow the picture: one cited part more is hidden in it, by the world's own occluders, and the
same question is asked again. Pure: scenes and answers in, scenes and shares out.

Other than a covered square, the new picture is one that the world might have drawn, and nothing else in it changes.
"""

import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from selfsynth.demo.world.dataset import DrawnImage
from selfsynth.demo.world.measure import Truth, cited
from selfsynth.demo.world.scene import Scene, render
from shared.types.records import Prediction


@dataclass(frozen=True)
class Hidden:
    """A picture with one part more hidden: that of `said`, which the answer to the whole picture cited rightly, as it
    did `others`, and named the class `named`. `unrelated` has another visible part hidden instead."""

    id: str
    scene: Scene
    unrelated: Scene
    said: tuple[str, str]
    others: frozenset[tuple[str, str]]
    named: str


def png_of(scene: Scene) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(render(scene)).save(stream, "PNG")
    return stream.getvalue()


def hidden_ones(
    drawn: Iterable[DrawnImage], predictions: Sequence[Prediction], truth: Mapping[str, Truth], most: int, seed: int
) -> list[Hidden]:
    """Of the first `most` pictures those whose answer cites a visible part rightly: one of these parts, drawn. Left out
    where nothing else is visible."""
    answers = {row.example_id: row for row in predictions}
    found = []
    for image in list(drawn)[:most]:
        row = answers[image.id]
        right = sorted(set(cited(row.answer)) & truth[image.id].visible)
        if not right or len(truth[image.id].visible) == 1:
            continue
        said = random.Random(f"hide {image.id} {seed}").choice(right)
        other = random.Random(f"unrelated {image.id} {seed}").choice(sorted(truth[image.id].visible - {said}))
        scene, unrelated = (_without(image.scene, part) for part, _ in (said, other))
        found.append(Hidden(image.id, scene, unrelated, said, frozenset(right) - {said}, row.predicted))
    return found


def _without(scene: Scene, part: str) -> Scene:
    return replace(scene, hidden=scene.hidden | {part})


def following(
    asked: Sequence[Hidden], of_hidden: Sequence[Prediction], of_unrelated: Sequence[Prediction]
) -> dict[str, float | None]:
    """`lets_go`: share of the answers that no longer cite what was hidden; `lets_go_unrelated`: that no longer cite the
    same although another part was hidden. `keeps`: of what else they cited rightly the share that they still cite.
    `renames`, `renames_unrelated`: share that now name another class. An explainer that recites its class's features
    has a `lets_go` near 0, one that cites at random a high `lets_go_unrelated`."""
    if not asked:
        return dict.fromkeys(("lets_go", "lets_go_unrelated", "keeps", "renames", "renames_unrelated"))
    others = sum(len(one.others) for one in asked)
    answers = {row.example_id: set(cited(row.answer)) for row in of_hidden}
    kept = sum(len(one.others & answers[one.id]) for one in asked)
    return {
        "lets_go": _gone(asked, of_hidden),
        "lets_go_unrelated": _gone(asked, of_unrelated),
        "keeps": kept / others if others else None,
        "renames": _renamed(asked, of_hidden),
        "renames_unrelated": _renamed(asked, of_unrelated),
    }


def _gone(asked: Sequence[Hidden], predictions: Sequence[Prediction]) -> float:
    answers = {row.example_id: cited(row.answer) for row in predictions}
    return sum(one.said not in answers[one.id] for one in asked) / len(asked)


def _renamed(asked: Sequence[Hidden], predictions: Sequence[Prediction]) -> float:
    named = {row.example_id: row.predicted for row in predictions}
    return sum(named[one.id] != one.named for one in asked) / len(asked)
