import asyncio

import pytest

from services.generator.window import Window


def test_a_full_engine_gets_half_as_many_once_however_many_requests_it_turned_away() -> None:
    async def work() -> int:
        window = Window(16)
        entered = [await window.enter() for _ in range(16)]
        for each in entered:
            window.full(each)
        return window.width

    assert asyncio.run(work()) == 8


def test_the_width_never_falls_below_one_and_comes_back_with_answers() -> None:
    async def work() -> list[int]:
        window = Window(4)
        widths = []
        for _ in range(5):
            window.full(await window.enter())
            window.leave()
        widths.append(window.width)
        for _ in range(40):
            window.answered()
        return [*widths, window.width]

    assert asyncio.run(work()) == [1, 4]


def test_who_waits_comes_in_its_order_and_never_too_many_at_once() -> None:
    order: list[int] = []
    open_now, open_most = 0, 0

    async def one(window: Window, number: int) -> None:
        nonlocal open_now, open_most
        await window.enter()
        order.append(number)
        open_now += 1
        open_most = max(open_most, open_now)
        await asyncio.sleep(0.001)
        open_now -= 1
        window.leave()

    async def work() -> None:
        window = Window(3)
        await asyncio.gather(*(one(window, k) for k in range(20)))

    asyncio.run(work())
    assert order == list(range(20))
    assert open_most == 3


@pytest.mark.parametrize("late", [False, True])
def test_a_place_that_nobody_waits_for_any_more_is_not_lost(late: bool) -> None:
    async def work() -> None:
        window = Window(1)
        await window.enter()
        waiting = asyncio.create_task(window.enter())
        await asyncio.sleep(0)
        if late:
            window.leave()
            waiting.cancel()
        else:
            waiting.cancel()
            await asyncio.sleep(0)
            window.leave()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(window.enter(), 1)

    asyncio.run(work())
