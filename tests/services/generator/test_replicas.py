import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from services.generator.replicas import Replica, Replicas, resolved
from shared.engine_addresses import addresses, reachable
from shared.errors import InvalidInput

KEYS = [f"images/{k}.png" for k in range(600)]
THREE = "http://a:1, http://b:1/,http://c:1"


def first_choices(setting: str, down: Sequence[str] = ()) -> dict[str, str]:
    async def choose() -> dict[str, str]:
        replicas = Replicas(setting, 4, resolved)
        for replica in await replicas.current():
            if replica.url in down:
                replica.failed(lost=True, sent=0.0)
        return {key: (await replicas.order(key))[0].url for key in KEYS}

    return asyncio.run(choose())


def test_addresses_are_separated_by_commas_or_a_json_list() -> None:
    assert (
        addresses('["http://a:1/", "http://b:1"]')
        == addresses("http://a:1, http://b:1,")
        == ("http://a:1", "http://b:1")
    )
    assert reachable("dns+http://engines:8000") == ("http://engines:8000",)


@pytest.mark.parametrize("setting", ["", "engine:8000", "[oops", "[]", "http://a:1,b:2"])
def test_what_is_no_address_is_refused_and_named(setting: str) -> None:
    with pytest.raises(InvalidInput, match="SELFSYNTH_ENGINE_URL"):
        addresses(setting)


def test_images_spread_over_the_replicas_in_any_order_of_the_setting() -> None:
    chosen = first_choices(THREE)
    assert all(140 < count < 260 for count in Counter(chosen.values()).values())
    assert chosen == first_choices("http://c:1,http://a:1,http://b:1")


def test_a_replica_that_comes_takes_its_share_and_moves_no_other_image() -> None:
    before, after = first_choices("http://a:1,http://b:1"), first_choices(THREE)
    moved = {after[key] for key in KEYS if before[key] != after[key]}
    assert moved == {"http://c:1"}


def test_only_the_images_of_a_replica_that_is_down_move() -> None:
    before, after = first_choices(THREE), first_choices(THREE, down=["http://b:1"])
    assert {before[key] for key in KEYS if before[key] != after[key]} == {"http://b:1"}
    assert "http://b:1" not in after.values()


def test_one_slow_request_does_not_take_a_replica_down() -> None:
    replica = Replica("http://a:1", 4)
    replica.answered()
    replica.failed(lost=True, sent=0.0)
    assert not replica.is_down


def test_a_replica_that_fails_again_and_again_is_passed_over_until_it_answers() -> None:
    replica = Replica("http://a:1", 4)
    for _ in range(3):
        assert not replica.is_down
        replica.failed(lost=False, sent=0.0)
    assert replica.is_down
    replica.answered()
    assert not replica.is_down


def test_a_name_that_resolves_to_nothing_now_keeps_what_was_known() -> None:
    found = [["http://10.0.0.1:8"], []]

    async def resolve(url: str) -> list[str]:
        assert url == "http://engines:8"
        return found.pop(0)

    async def look_twice() -> list[str]:
        replicas = Replicas("dns+http://engines:8", 4, resolve, resolve_every_s=0.0)
        await replicas.current()
        return [replica.url for replica in await replicas.current()]

    assert asyncio.run(look_twice()) == ["http://10.0.0.1:8"]
    assert found == []


def test_a_name_is_every_address_that_it_resolves_to() -> None:
    assert asyncio.run(resolved("http://localhost:81/x")) == ["http://127.0.0.1:81/x"]
    assert asyncio.run(resolved("http://no-such-host.invalid:81")) == []


def test_a_replica_that_says_that_it_is_full_is_up() -> None:
    replica = Replica("http://a:1", 4)
    replica.failed(lost=True, sent=time.monotonic())
    assert replica.is_down
    replica.heard_of()
    assert not replica.is_down


def test_a_replica_that_was_down_is_tried_by_one_request_while_the_others_pass_it_over() -> None:
    replica = Replica("http://a:1", 4)
    replica.failed(lost=True, sent=time.monotonic())
    time.sleep(1.05)
    assert not replica.is_down
    replica.tried()
    assert replica.is_down
