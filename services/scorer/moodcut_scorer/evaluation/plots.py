"""Confusion matrices as pictures (the paper's Figure 6), drawn with Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from moodcut_scorer.emotions import EMOTIONS

_CELL, _LEFT, _TOP, _EDGE = 72, 130, 96, 16
_DARK, _LIGHT = (33, 60, 110), (255, 255, 255)


def draw_confusion(confusion: np.ndarray, title: str, path: Path) -> None:
    """Write a matrix of counts [6, 6], rows the truth, to ``path`` as PNG: shares of each row, the darker the more."""
    size = len(EMOTIONS) * _CELL
    image = Image.new("RGB", (_LEFT + size + _EDGE, _TOP + size + _EDGE), _LIGHT)
    draw = ImageDraw.Draw(image)
    big, small = ImageFont.load_default(18), ImageFont.load_default(13)
    draw.text((_EDGE, _EDGE), title, fill="black", font=big)
    draw.text((_EDGE, _TOP - 20), "true", fill="black", font=small)
    draw.text((_LEFT, _TOP - 44), "found", fill="black", font=small)
    for row, truth in enumerate(EMOTIONS):
        total = max(1, int(confusion[row].sum()))
        draw.text((_EDGE, _TOP + row * _CELL + _CELL // 2), truth, fill="black", font=small, anchor="lm")
        draw.text((_LEFT + row * _CELL + _CELL // 2, _TOP - 14), EMOTIONS[row], fill="black", font=small, anchor="mm")
        for column in range(len(EMOTIONS)):
            share = float(confusion[row, column]) / total
            colour = tuple(round(light + (dark - light) * share) for light, dark in zip(_LIGHT, _DARK, strict=True))
            corner = (_LEFT + column * _CELL, _TOP + row * _CELL)
            draw.rectangle((corner, (corner[0] + _CELL - 2, corner[1] + _CELL - 2)), fill=colour)
            ink = "white" if share > 0.5 else "black"
            middle = (corner[0] + _CELL // 2, corner[1] + _CELL // 2)
            draw.text(middle, f"{share:.2f}", fill=ink, font=small, anchor="mm")
    image.save(path, format="PNG")
