"""Wav2CLIP's audio encoder (Wu et al., ICASSP 2022), under the parameter names of the published checkpoint.

ResNet-18 (He et al., 2016) over a one-channel log spectrogram, then two dense layers into the space of CLIP ViT-B/32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav2ClipShape:
    """Sizes of the network; the defaults are the published ones. Lengths in samples."""

    fft_length: int = 512
    hop_length: int = 353
    block_counts: tuple[int, int, int, int] = (2, 2, 2, 2)
    width: int = 64

    @property
    def dimension(self) -> int:
        """Size of the embedding."""
        return 8 * self.width


class _Block(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        projected = stride > 1 or inputs != outputs
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
            if projected
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(hidden + (self.downsample(x) if self.downsample is not None else x))


class _Spectrogram(nn.Module):  # type: ignore[misc]
    """Power spectrogram [n, samples] -> [n, bins, frames]; frames centred, ends reflected, a Hann window."""

    def __init__(self, fft_length: int, hop_length: int) -> None:
        super().__init__()
        self.hop_length = hop_length
        self.register_buffer("window", torch.hann_window(fft_length))

    def forward(self, sound: Tensor) -> Tensor:
        length = len(self.window)
        options = {"hop_length": self.hop_length, "pad_mode": "reflect", "return_complex": True}
        spectrum = torch.stft(sound, length, window=self.window, center=True, **options)
        parts = torch.view_as_real(spectrum)
        return parts[..., 0] ** 2 + parts[..., 1] ** 2


class _ResNet(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Wav2ClipShape) -> None:
        super().__init__()
        self.spectrogram = _Spectrogram(shape.fft_length, shape.hop_length)
        self.conv1 = nn.Conv2d(1, shape.width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(shape.width)
        inputs = shape.width
        for stage, count in enumerate(shape.block_counts):
            outputs = shape.width * 2**stage
            blocks = [
                _Block(outputs if block else inputs, outputs, 2 if stage and not block else 1) for block in range(count)
            ]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            inputs = outputs

    def forward(self, sound: Tensor) -> Tensor:
        loudness = torch.log(self.spectrogram(sound) + 1e-7)
        # Over each piece, as published for one; there, a batch shares one mean and one deviation.
        mean = loudness.mean(dim=(1, 2), keepdim=True)
        deviation = loudness.std(dim=(1, 2), keepdim=True)
        x = ((loudness - mean) / (deviation + 1e-9))[:, None]
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))


class _Dense(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        # The places 1 and 2 of the published sequence hold no parameters.
        self.sequential = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.sequential(x)


class Wav2ClipAudio(nn.Module):  # type: ignore[misc]
    """Sound float32 [n, samples] at 16 kHz in [-1, 1] -> embeddings [n, 512]."""

    def __init__(self, shape: Wav2ClipShape) -> None:
        super().__init__()
        self.audio_encoder = _ResNet(shape)
        self.audio_transform = _Dense(shape.dimension)

    def forward(self, sound: Tensor) -> Tensor:
        """Embeddings of sound."""
        return self.audio_transform(self.audio_encoder(sound))
