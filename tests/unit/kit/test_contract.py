from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moodcut_kit import contract
from moodcut_kit.errors import InvalidArgumentError

SHA = "0123456789abcdef" * 4


def test_keys_lie_under_their_owner() -> None:
    assert contract.media_key("local", SHA) == f"p/local/media/{SHA}"
    assert contract.analysis_key("local", SHA, SHA, "movie.pb") == f"p/local/analyses/{SHA}/{SHA}/movie.pb"
    assert contract.montage_prefix("local", "ab-1") == "p/local/montages/ab-1/"


@pytest.mark.parametrize("principal", ["", "..", "a/b", "A", "a..b", "../x", "a" * 65])
def test_a_principal_cannot_leave_its_place(principal: str) -> None:
    with pytest.raises(InvalidArgumentError, match="principal"):
        contract.owner_prefix(principal)


@pytest.mark.parametrize("key", ["p/other/media/x", "p/local/../other/x", "p/local//x", "p/local/./x", "p/local"])
def test_foreign_names_are_refused(key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="plan_key"):
        contract.check_owned("local", key, "plan_key")


@given(text=st.text(max_size=80))
def test_what_passes_the_check_stays_inside(text: str) -> None:
    key = f"p/local/{text}"
    try:
        contract.check_owned("local", key, "key")
    except InvalidArgumentError:
        return
    assert ".." not in key.split("/")


def test_fingerprints_depend_on_what_matters_alone() -> None:
    def of(**changes: object) -> str:
        chosen = {
            "stage": "score",
            "version": 1,
            "model_digest": "m",
            "parameters": {"a": 1, "b": [1, 2]},
            "inputs": ["y", "x"],
        } | changes
        return contract.fingerprint(**chosen)  # type: ignore[arg-type]

    assert of() == of(inputs=["x", "y"], parameters={"b": [1, 2], "a": 1})
    different = [of(stage="s"), of(version=2), of(model_digest="n"), of(parameters={}), of(inputs=["x"])]
    assert len({of(), *different}) == 6
    with pytest.raises(ValueError, match="JSON"):
        of(parameters={"a": float("nan")})
