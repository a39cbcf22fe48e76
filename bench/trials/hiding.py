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
    did `others`, and named the class `named`."""

    id: str
    scene: Scene
    said: tuple[str, str]
    others: frozenset[tuple[str, str]]
    named: str

    @property
    def png(self) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(render(self.scene)).save(stream, "PNG")
        return stream.getvalue()


def hidden_ones(
    drawn: Iterable[DrawnImage], predictions: Sequence[Prediction], truth: Mapping[str, Truth], most: int, seed: int
) -> list[Hidden]:
    """Of the first `most` pictures those whose answer cites a visible part rightly: one of these parts, drawn."""
    answers = {row.example_id: row for row in predictions}
    found = []
    for image in list(drawn)[:most]:
        row = answers[image.id]
        right = sorted(set(cited(row.answer)) & truth[image.id].visible)
        if not right:
            continue
        said = random.Random(f"hide {image.id} {seed}").choice(right)
        scene = replace(image.scene, hidden=image.scene.hidden | {said[0]})
        found.append(Hidden(image.id, scene, said, frozenset(right) - {said}, row.predicted))
    return found


def following(asked: Sequence[Hidden], predictions: Sequence[Prediction]) -> dict[str, float | None]:
    """`lets_go`: share of the answers that no longer cite what was hidden. `keeps`: of what else they cited rightly the
    share that they still cite. `renames`: share that now name another class. An explainer that recites its class's
    features has a `lets_go` near 0, one that cites at random a low `keeps`."""
    answers = {row.example_id: row for row in predictions}
    if not asked:
        return {"lets_go": None, "keeps": None, "renames": None}
    now = [(one, set(cited(answers[one.id].answer))) for one in asked]
    others = sum(len(one.others) for one in asked)
    return {
        "lets_go": sum(one.said not in said for one, said in now) / len(asked),
        "keeps": sum(len(one.others & said) for one, said in now) / others if others else None,
        "renames": sum(answers[one.id].predicted != one.named for one in asked) / len(asked),
    }
