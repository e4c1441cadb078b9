from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit.media.sniff import describe_unknown, id3_byte_count, sniff_container

# MPEG-1 layer 3, 128 kbit/s, 44.1 kHz: 417 bytes a frame. ADTS: 16 bytes a frame.
_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
_ADTS_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"\x00\x00\x00\x20ftypisom", "mov"),
        (b"\x00\x00\x00\x08wide\x00\x00", "mov"),
        (b"\x1aE\xdf\xa3\x01", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"FORM\x00\x00\x00\x00AIFCFVER", "aiff"),
        (b"\x00\x00\x01\xba\x44", "mpeg"),
        (b"\x00\x00\x01\xb3\x28", "mpegvideo"),
        (b"OggS\x00\x02", "ogg"),
        (b"fLaC\x00\x00\x00\x22", "flac"),
        (b"FLV\x01\x05", "flv"),
        (b"caff\x00\x01\x00\x00", "caf"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "asf"),
        (_MP3_FRAME * 2, "mp3"),
        (_MP3_FRAME, "mp3"),
        (bytes(100) + _MP3_FRAME * 2, "mp3"),
        (_ADTS_FRAME * 2, "aac"),
        ((b"\x47" + bytes(187)) * 4, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 4, "mpegts"),
        (bytes(77) + (b"\x47" + bytes(187)) * 4, "mpegts"),
    ],
)
def test_accepted(head: bytes, demuxer: str) -> None:
    assert sniff_container(head) == demuxer


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"ffconcat version 1.0\nfile secret.mp4\n", "ffconcat"),
        (b"\xef\xbb\xbf#EXTM3U\n#EXT-X-VERSION:3\n", "HLS"),
        (b"\n #extm3u\n", "HLS"),
        (b'<?xml version="1.0"?><MPD>', "XML"),
        (b"[playlist]\nFile1=x", "PLS"),
        (b"v=0\r\no=- 0", "SDP"),
        (b"file 'a.mp4'\n", "text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no known media"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "no known media"),
        (b"\xff\xfb\x90\x00" + bytes(600), "no known media"),
        (b"\xff\xff\xff\xff" * 100, "no known media"),
        (bytes(5000), "no known media"),
        (b"\x47" * 3, "text"),
    ],
)
def test_refused(head: bytes, words: str) -> None:
    assert sniff_container(head) is None
    assert words in describe_unknown(head)


@given(st.text(max_size=400))
def test_no_text_is_a_container_that_names_files(text: str) -> None:
    for start in ("", "ffconcat version 1.0\n", "#EXTM3U\n", "[playlist]\n", '<?xml version="1.0"?>'):
        assert sniff_container((start + text).encode()) in (None, "ogg", "flac", "mpegts")


@given(st.binary(max_size=3000))
def test_any_bytes_are_judged(data: bytes) -> None:
    sniff_container(data)
    assert id3_byte_count(data) >= 0
    assert describe_unknown(data)


@given(st.integers(0, 2**28 - 1), st.booleans())
def test_id3_size(size: int, footer: bool) -> None:
    syncsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    head = b"ID3\x04\x00" + (b"\x10" if footer else b"\x00") + syncsafe
    assert id3_byte_count(head) == 10 + size + 10 * footer
    assert id3_byte_count(b"x" + head) == 0
