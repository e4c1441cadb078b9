"""Sound of real files: alignment, length, channels, damage."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from moodcut_kit.media.audio import AudioInfo, decode_audio, probe_audio
from moodcut_kit.media.errors import MediaTrackError
from moodcut_kit.time import round_half_up

_RATE = 44100


def _write(path: Path, samples: NDArray[np.float64], rate: int = _RATE) -> Path:
    """Samples [n] or [n, channels] in [-1, 1] as a 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = np.random.default_rng(3).normal(0, 0.1, 2 * _RATE + 777)
    return _write(tmp_path_factory.mktemp("audio") / "noise.wav", samples)


def _lag(sound: NDArray[np.float32], reference: NDArray[np.float32]) -> int:
    """By how many samples ``sound`` comes later than ``reference``, by cross-correlation."""
    size = 1 << (len(reference) + len(sound)).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size))
    best = int(np.fft.irfft(product, size).argmax())
    return best if best < size // 2 else best - size


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s24le"),
        ("a.flac", "flac"),
        ("a.mp3", "libmp3lame"),
        ("a.ogg", "libvorbis"),
        ("a.opus", "libopus"),
        ("a.m4a", "aac"),
        ("a.mp4", "aac"),
        ("a.mka", "libopus"),
        ("a.mka", "flac"),
        ("a.aiff", "pcm_s16be"),
        ("a.caf", "pcm_s16le"),
    ],
)
def test_the_first_sample_is_the_first_heard_and_the_length_is_exact(
    ffmpeg: Callable[..., None], noise: Path, tmp_path: Path, name: str, codec: str
) -> None:
    path = tmp_path / name
    ffmpeg("-i", noise, "-c:a", codec, "-b:a", "192k", path)
    reference = decode_audio(noise, sample_rate=_RATE, channels=1)
    sound = decode_audio(path, sample_rate=_RATE, channels=1)
    assert (sound.shape, sound.dtype) == (reference.shape, np.float32)
    assert _lag(sound, reference) == 0
    info = probe_audio(path)
    assert info.channel_count == 1
    assert round_half_up(info.duration_seconds * _RATE) == len(reference)


def test_sound_that_starts_late_beside_a_picture(ffmpeg: Callable[..., None], noise: Path, tmp_path: Path) -> None:
    film = tmp_path / "late.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:d=3", "-itsoffset", "0.5", "-i", noise, "-c:a", "flac", film)
    reference = decode_audio(noise, sample_rate=_RATE, channels=1)
    assert np.array_equal(decode_audio(film, sample_rate=_RATE, channels=1), reference)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_resampling_keeps_time_and_length(tmp_path: Path, rate: int) -> None:
    samples = np.zeros(3 * 48000 + 11)
    samples[48000] = samples[96000] = 0.9
    path = _write(tmp_path / "click.wav", samples, 48000)
    sound = decode_audio(path, sample_rate=rate, channels=1)
    assert len(sound) == round(len(samples) * rate / 48000)
    assert np.abs(sound[: int(1.5 * rate)]).argmax() == rate
    assert int(1.5 * rate) + np.abs(sound[int(1.5 * rate) :]).argmax() == 2 * rate
    assert probe_audio(path) == AudioInfo(sample_rate=48000, channel_count=1, sample_count=len(samples))


def test_channels(tmp_path: Path) -> None:
    sides = np.random.default_rng(1).uniform(-0.5, 0.5, (1000, 2)).round(3)
    stereo = _write(tmp_path / "stereo.wav", sides)
    both = decode_audio(stereo, sample_rate=_RATE, channels=2)
    assert both.shape == (1000, 2)
    assert np.abs(both - sides).max() < 1e-4
    mean = decode_audio(stereo, sample_rate=_RATE, channels=1)
    assert np.allclose(mean, both.mean(axis=1), atol=1e-7)
    mono = _write(tmp_path / "mono.wav", sides[:, 0])
    one = decode_audio(mono, sample_rate=_RATE, channels=1)
    assert np.array_equal(decode_audio(mono, sample_rate=_RATE, channels=2), np.stack([one, one], axis=1))


def test_surround_is_mixed_down(ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "surround.flac"
    ffmpeg("-f", "lavfi", "-i", "aevalsrc=0.1|0.2|0|0|0|0:c=5.1:s=48000:d=1", path)
    both = decode_audio(path, sample_rate=48000, channels=2)
    assert both.shape == (48000, 2)
    assert 0.04 < both[100:-100, 0].mean() < 0.11
    assert abs(both[100:-100, 1].mean() / both[100:-100, 0].mean() - 2) < 0.02


def test_a_damaged_packet_is_silence_of_its_length(ffmpeg: Callable[..., None], noise: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    ffmpeg("-i", noise, "-c:a", "flac", path)
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size, packet.pts, packet.duration) for packet in container.demux(audio=0)]
    place, size, start, count = packets[3]
    assert place is not None
    assert start is not None
    assert count is not None
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
    expected = decode_audio(noise, sample_rate=_RATE, channels=1)
    expected[start : start + count] = 0
    assert np.array_equal(decode_audio(path, sample_rate=_RATE, channels=1), expected)


def test_lost_packets_are_silence_and_move_nothing(ffmpeg: Callable[..., None], noise: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mka"
    ffmpeg("-i", noise, "-c:a", "flac", "-cluster_time_limit", "100", path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 30_000] = bytes(30_000)
    path.write_bytes(data)
    expected = decode_audio(noise, sample_rate=_RATE, channels=1)
    sound = decode_audio(path, sample_rate=_RATE, channels=1)
    assert np.array_equal(sound[:20_000], expected[:20_000])
    assert not sound[_RATE : _RATE + 10_000].any()
    assert abs(_lag(sound[-20_000:], expected[-20_000:])) <= _RATE // 1000


def test_sample_rate_must_be_positive(noise: Path) -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        decode_audio(noise, sample_rate=0, channels=1)


def test_sound_tracks_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "two.mka"
    levels = (0.1, 0.4)
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("flac", rate=_RATE, layout="mono") for _ in levels]
        for stream, level in zip(streams, levels, strict=True):
            samples = np.full((1, _RATE), round(level * 32767), dtype=np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts = _RATE, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    for number, level in enumerate(levels, start=1):
        sound = decode_audio(path, sample_rate=_RATE, channels=1, track=number)
        assert sound == pytest.approx(level, abs=1e-3)
        assert probe_audio(path, track=number).sample_count == _RATE
    assert decode_audio(path, sample_rate=_RATE, channels=1) == pytest.approx(levels[0], abs=1e-3)
    for number in (3, -1):
        with pytest.raises(MediaTrackError, match=f"has 2 sound tracks; there is no track {number}"):
            decode_audio(path, sample_rate=_RATE, channels=1, track=number)
