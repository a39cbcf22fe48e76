"""Small real pictures, no two alike."""

import io

from PIL import Image


def picture(number: int, side: int = 16) -> bytes:
    target = io.BytesIO()
    Image.linear_gradient("L").resize((side, side)).rotate(7 * number).convert("RGB").save(target, "PNG")
    return target.getvalue()
