from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from moodcut_kit.store.base import ObjectInfo
from moodcut_kit.store.local import LocalStore
from moodcut_kit.store.usage import KINDS, Tally, collect_garbage, kind_of, measure, removable

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_OLD = _NOW - timedelta(days=3)


def _info(key: str, byte_count: int = 10, modified: datetime = _OLD, *, is_reference: bool = False) -> ObjectInfo:
    return ObjectInfo(key=key, byte_count=byte_count, etag="e", modified=modified, is_reference=is_reference)


def test_kinds() -> None:
    assert kind_of("p/ann/media/abc") == ("media", "ann")
    assert kind_of("p/ann/analyses/a/b/c") == ("analyses", "ann")
    assert kind_of("p/ann/uploads/1") == ("uploads", "ann")
    assert kind_of("p/ann/montages/1/state") == ("montages", "ann")
    assert kind_of("queue/1-x") == ("queue", "")
    assert kind_of("scratch/x") == ("scratch", "")
    assert kind_of("p/ann/else/x") == ("other", "")
    assert kind_of("x") == ("other", "")


def test_measure() -> None:
    usage = measure(
        [
            _info("p/bob/media/1", 1000, is_reference=True),
            _info("p/bob/media/2", 50),
            _info("p/ann/analyses/1/2/3", 7),
            _info("queue/1", 0),
        ]
    )
    assert usage.total == Tally(object_count=4, byte_count=57, referenced_byte_count=1000)
    assert tuple(usage.by_kind) == KINDS
    assert usage.by_kind["media"] == Tally(2, 50, 1000)
    assert usage.by_kind["montages"] == Tally()
    assert usage.by_principal == {"ann": {"analyses": Tally(1, 7)}, "bob": {"media": Tally(2, 50, 1000)}}
    assert list(usage.by_principal) == ["ann", "bob"]


def test_only_what_is_old_and_not_kept_is_removable() -> None:
    asked = []

    def kept(montage: str) -> set[str] | None:
        asked.append(montage)
        return {"p/a/montages/done/": {"0002"}, "p/a/montages/failed/": set()}.get(montage)

    objects = [
        _info("p/a/media/1"),
        _info("p/a/montages/done/attempts/0001/out.mp4"),
        _info("p/a/montages/done/attempts/0001/report.json"),
        _info("p/a/montages/done/attempts/0002/out.mp4"),
        _info("p/a/montages/done/attempts/0003/new", modified=_NOW),
        _info("p/a/montages/done/state"),
        _info("p/a/montages/failed/attempts/0001/out.mp4"),
        _info("p/a/montages/running/attempts/0001/out.mp4"),
        _info("p/a/uploads/1"),
        _info("p/a/uploads/2", modified=_NOW),
        _info("queue/1"),
        _info("scratch/self-test/1"),
    ]
    found = removable(objects, before=_NOW - timedelta(days=1), kept_attempts=kept)
    assert [(removal.info.key, removal.reason) for removal in found] == [
        ("p/a/montages/done/attempts/0001/out.mp4", "attempt"),
        ("p/a/montages/done/attempts/0001/report.json", "attempt"),
        ("p/a/montages/failed/attempts/0001/out.mp4", "attempt"),
        ("p/a/uploads/1", "upload"),
        ("scratch/self-test/1", "scratch"),
    ]
    assert asked == ["p/a/montages/done/", "p/a/montages/failed/", "p/a/montages/running/"]


def test_collect_garbage_in_a_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for key in (
        "p/a/montages/m/attempts/0001/x",
        "p/a/montages/m/attempts/0002/x",
        "p/a/montages/m/state",
        "scratch/y",
    ):
        store.put(key, b"data")
    (store.temporary / "half").write_bytes(b"ha")
    later = datetime.now(UTC) + timedelta(seconds=1)

    def collect(*, dry_run: bool, before: datetime = later) -> list[str]:
        found = collect_garbage(store, before=before, kept_attempts=lambda _: {"0002"}, dry_run=dry_run)
        return [removal.info.key for removal in found]

    expected = ["p/a/montages/m/attempts/0001/x", "scratch/y", "tmp/half"]
    assert collect(dry_run=False, before=later - timedelta(hours=1)) == []
    assert collect(dry_run=True) == expected
    assert len(list(store.list(""))) == 4
    assert collect(dry_run=False) == expected
    assert [info.key for info in store.list("")] == ["p/a/montages/m/attempts/0002/x", "p/a/montages/m/state"]
    assert collect(dry_run=False) == []
