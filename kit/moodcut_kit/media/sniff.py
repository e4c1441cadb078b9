"""Recognise a media container by its first bytes, so that FFmpeg can be told what to read instead of guessing.

FFmpeg's own guess would also take text playlists (ffconcat, HLS, DASH) for films and open the files they name; a
protocol whitelist does not prevent that, a forced container does. Pure: bytes in, the demuxer's name out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

_FrameSizer: TypeAlias = Callable[[bytes], "int | None"]

HEAD_BYTE_COUNT = 65536
"""How many bytes from the start of a file :func:`sniff_container` wants to see (fewer if the file is shorter)."""

ACCEPTED = "MP4/MOV, Matroska/WebM, AVI, MPEG (PS, TS, video), FLV, ASF/WMV, Ogg, WAV, FLAC, MP3, AAC, AIFF, CAF"
"""The accepted containers, for a person."""

_MOV_FIRST_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"))
_MAGIC = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"caff\x00\x01", "caf"),
)
_CHUNKED = {
    (b"RIFF", b"AVI "): "avi",
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
_TS_SYNC = 0x47
_TS_STRIDES = (188, 192, 204)
_TS_PACKETS_SEEN = 4
_PLAYLISTS = (
    (b"ffconcat", "an ffconcat playlist"),
    (b"#EXTM3U", "an HLS or M3U playlist"),
    (b"[playlist]", "a PLS playlist"),
    (b"<?xml", "an XML file (a DASH or XSPF playlist?)"),
    (b"<asx", "an ASX playlist"),
    (b"v=0", "an SDP session description"),
)
# Bit rates in kbit/s by (MPEG-1?, layer) and the header's index, and sample rates of MPEG-1: ISO 11172-3, 2.4.2.3.
_BIT_RATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG1_SAMPLE_RATES = (44100, 48000, 32000)


def sniff_container(head: bytes) -> str | None:
    """Name of FFmpeg's demuxer for a file that begins with ``head``, or None if it is not an accepted container.

    An ID3v2 tag in front must have been taken off (:func:`id3_byte_count`).
    """
    for magic, demuxer in _MAGIC:
        if head.startswith(magic):
            return demuxer
    if head[4:8] in _MOV_FIRST_BOXES:
        return "mov"
    chunked = _CHUNKED.get((head[:4], head[8:12]))
    if chunked is not None:
        return chunked
    if _is_transport_stream(head):
        return "mpegts"
    sound = head.lstrip(b"\x00")
    if _frames_follow(sound, _adts_frame_byte_count):
        return "aac"
    if _frames_follow(sound, _mpeg_audio_frame_byte_count):
        return "mp3"
    return None


def id3_byte_count(head: bytes) -> int:
    """Size of the ID3v2 tag ``head`` begins with, header and footer included; 0 if it begins with none."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or head[4] == 0xFF or any(b & 0x80 for b in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def describe_unknown(head: bytes) -> str:
    """A few words for a person on what an unaccepted file seems to be."""
    if not head:
        return "an empty file"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, words in _PLAYLISTS:
        if start[: len(magic)].lower() == magic.lower():
            return words
    try:
        text = head[:512].decode("utf-8", errors="strict" if len(head) < 512 else "ignore")
    except UnicodeDecodeError:
        text = "\x00"
    if all(character.isprintable() or character in "\r\n\t" for character in text):
        return "a text file"
    return "of no known media format"


def _is_transport_stream(head: bytes) -> bool:
    for stride in _TS_STRIDES:
        span = stride * (_TS_PACKETS_SEEN - 1)
        for offset in range(min(stride, max(0, len(head) - span))):
            if all(head[offset + stride * packet] == _TS_SYNC for packet in range(_TS_PACKETS_SEEN)):
                return True
    return False


def _frames_follow(data: bytes, byte_count_of: _FrameSizer) -> bool:
    """Whether ``data`` begins with an audio frame that is followed by another one, or by the end of the file."""
    first = byte_count_of(data)
    if first is None:
        return False
    return len(data) <= first + 4 or byte_count_of(data[first : first + 8]) is not None


def _adts_frame_byte_count(data: bytes) -> int | None:
    """ISO 14496-3, 1.A.2.2: sync word of twelve ones, layer 0, frame length in 13 bits."""
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0 or (data[2] >> 2) & 0x0F > 12:
        return None
    length = (data[3] & 0x03) << 11 | data[4] << 3 | data[5] >> 5
    return length if length >= 7 else None


def _mpeg_audio_frame_byte_count(data: bytes) -> int | None:
    """ISO 11172-3, 2.4.3.1 and its extension to lower rates; free format is not accepted."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    version, layer = (data[1] >> 3) & 3, 4 - ((data[1] >> 1) & 3)
    rate_index, sample_index, padding = data[2] >> 4, (data[2] >> 2) & 3, (data[2] >> 1) & 1
    if version == 1 or layer == 4 or rate_index in (0, 15) or sample_index == 3:
        return None
    bit_rate = _BIT_RATES[version == 3, layer][rate_index - 1] * 1000
    sample_rate = _MPEG1_SAMPLE_RATES[sample_index] // {3: 1, 2: 2, 0: 4}[version]
    if layer == 1:
        return (12 * bit_rate // sample_rate + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bit_rate // sample_rate + padding
