"""The time-frequency transform of ESResNeXt-fbsp: complex frequency B-spline wavelets that learn.

Guzhov et al., "ESResNe(X)t-fbsp: Learning Robust Time-Frequency Transformation of Audio", IJCNN 2021. Filter k is
sqrt(fb) * sinc(fb t / m)^m * exp(-i fc t) over t in [-pi, pi], with the order m, the bandwidth fb and the centre fc of
its own. With m = 0, fb = 1 and fc = k it is the k-th row of a discrete Fourier transform (up to the grid of t, which
here includes both ends).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class FbspShape:
    """Sizes in samples; the defaults are AudioCLIP's, for sound at 44.1 kHz."""

    fft_length: int = 2048
    window_length: int = 1654
    hop_length: int = 561

    @property
    def filter_count(self) -> int:
        """Filters, one a bin of a one-sided spectrum."""
        return self.fft_length // 2 + 1


def blackman_harris(length: int) -> Tensor:
    """The periodic four-term Blackman-Harris window float32 [length] (Harris, 1978)."""
    angle = 2.0 * math.pi * torch.arange(length, dtype=torch.float64) / length
    terms = (0.35875, -0.48829, 0.14128, -0.01168)
    return torch.stack([a * torch.cos(k * angle) for k, a in enumerate(terms)]).sum(dim=0).float()


def fill_frames(sound: Tensor, shape: FbspShape) -> Tensor:
    """Zeros on both sides of a signal [samples] until frames of one window, a hop apart, cover it exactly."""
    frame_count = 1 + max(-(-(sound.shape[-1] - shape.window_length) // shape.hop_length), 0)
    lacking = (frame_count - 1) * shape.hop_length + shape.window_length - sound.shape[-1]
    return functional.pad(sound, (lacking // 2, lacking - lacking // 2))


class Fbsp(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    """Power spectrogram [n, samples] -> [n, filters, frames]; the samples must fill whole frames."""

    def __init__(self, shape: FbspShape) -> None:
        super().__init__()
        self.shape = shape
        self.m = nn.Parameter(torch.zeros(shape.filter_count))
        self.fb = nn.Parameter(torch.ones(shape.filter_count))
        self.fc = nn.Parameter(torch.arange(shape.filter_count, dtype=torch.float32))
        # The published module has no bias, and its checkpoint an empty one.
        self.bias = nn.Parameter(torch.empty(0))

    def filters(self) -> Tensor:
        """Real and imaginary parts [2, filters, fft_length] of the filters, each of unit scale (1 / sqrt(length))."""
        length = self.shape.fft_length
        time = math.pi * torch.linspace(-1.0, 1.0, length, device=self.m.device, dtype=self.m.dtype) + _EPSILON
        order, bandwidth, centre = self.m[:, None], self.fb[:, None], self.fc[:, None]
        argument = bandwidth * time / (order + _EPSILON)
        window = torch.where(argument == 0, torch.ones_like(argument), torch.sin(argument) / argument)
        # A power of a negative real number is complex: its phase is pi times the order.
        size = (window**2) ** (0.5 * order)
        phase = torch.where(window < 0, math.pi * order, torch.zeros_like(window)) - centre * time
        scale = bandwidth.sqrt() * size / length**0.5
        return torch.stack([scale * torch.cos(phase), scale * torch.sin(phase)])

    def forward(self, sound: Tensor, window: Tensor) -> Tensor:
        """``window`` [window_length] weights each frame; it lies in the middle of the filters."""
        shape = self.shape
        start = (shape.fft_length - shape.window_length) // 2
        kernels = self.filters()[:, :, start : start + shape.window_length] * window
        spectrum = functional.conv1d(sound[:, None], kernels.flatten(0, 1)[:, None], stride=shape.hop_length)
        real, imaginary = spectrum.unflatten(1, (2, -1)).unbind(dim=1)
        return real**2 + imaginary**2
