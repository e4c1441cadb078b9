"""CLIP's byte-pair tokens (Radford et al., 2021), from the published list of merges.

The list is not ours to ship for its size; it lies in the package ``open_clip_torch`` (MIT), whose wheel is fetched,
checked by hash and read as a zip file, or in a file of the user's own (``bpe_simple_vocab_16e6.txt.gz``).
"""

from __future__ import annotations

import gzip
import html
import zipfile
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor

from moodcut_kit.modelcache import cache_dir, fetch_wheel
from moodcut_training.backbones.errors import CheckpointMismatchError

REQUIREMENT = "open_clip_torch==3.3.0"
WHEEL_SHA256 = "c549ad5ed6bfc119cc11105033c0a2b9d7a2a4afeb40a58a09aab3da1a0043ce"
_INSIDE = "open_clip/bpe_simple_vocab_16e6.txt.gz"
_MERGE_COUNT = 49_152 - 256 - 2
_START, _END = "<|startoftext|>", "<|endoftext|>"
_WORD = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class ClipTokens:
    """Turns a text into token numbers."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        """``merges``: pairs of pieces, the most frequent first."""
        letters = _letters()
        pieces = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in merges), _START, _END]
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        self._start, self._end = vocabulary[_START], vocabulary[_END]
        bpe = models.BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token=_END)
        self._tokenizer = Tokenizer(bpe)
        self._tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        self._tokenizer.decoder = decoders.ByteLevel()

    @property
    def count(self) -> int:
        """How many tokens there are."""
        return self._end + 1

    def __call__(self, text: str, length: int) -> Tensor:
        """Token numbers int64 [length]: start, the text, end, then zeros; a longer text is cut off before the end."""
        plain = html.unescape(html.unescape(text)).strip()
        inner = self._tokenizer.encode(plain, add_special_tokens=False).ids[: length - 2]
        numbers = torch.zeros(length, dtype=torch.int64)
        numbers[: len(inner) + 2] = torch.tensor([self._start, *inner, self._end])
        return numbers


def read_merges(content: bytes) -> list[tuple[str, str]]:
    """Merges of the published file, gzipped or plain. Raises CheckpointMismatchError if it is another file."""
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        lines = plain.decode("utf-8").split("\n")[1 : _MERGE_COUNT + 1]
        merges = [(first, second) for first, second in (line.split() for line in lines)]
    except (OSError, EOFError, ValueError) as error:
        raise CheckpointMismatchError(f"The list of CLIP's merges cannot be read: {error}") from error
    if len(merges) != _MERGE_COUNT:
        raise CheckpointMismatchError(f"The list holds {len(merges)} merges; CLIP's has {_MERGE_COUNT}.")
    return merges


def fetch_tokens(directory: Path | None = None) -> ClipTokens:
    """CLIP's tokens from the wheel in ``directory`` (default: the model cache), fetched if it is not there.

    Raises ModelSourceError if it cannot be fetched or is another one.
    """
    home = directory or cache_dir() / "sources"
    wheel = fetch_wheel(requirement=REQUIREMENT, sha256=WHEEL_SHA256, directory=home)
    with zipfile.ZipFile(wheel) as archive:
        return ClipTokens(read_merges(archive.read(_INSIDE)))


def _letters() -> list[str]:
    """The character that stands for each byte, in the published order: printable ones first, as themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(code) for code in printable] + [chr(256 + number) for number in range(256 - len(printable))]
