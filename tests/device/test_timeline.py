"""Time that jumps, flows, or runs at a rate, under ordinary asyncio code."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from device.timeline import JUMP, REAL, TURN_S, Stalled, Timeline, run

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_a_day_passes_at_once(timeline: Timeline) -> None:
    before = time.perf_counter()
    await timeline.sleep_until(timeline.start + DAY)
    assert timeline.now() == timeline.start + DAY
    assert time.perf_counter() - before < 5


async def test_an_event_or_a_moment_ends_a_wait_whichever_is_first(timeline: Timeline) -> None:
    event, start = asyncio.Event(), timeline.now()
    assert not await timeline.wait_for(event, start + DAY)
    assert timeline.now() == start + DAY
    assert not await timeline.wait_for(event, start)
    assert timeline.now() == start + DAY + timedelta(milliseconds=1)
    timeline.call_at(start + 2 * DAY, event.set)
    assert await timeline.wait_for(event, None)
    assert timeline.now() == start + 2 * DAY


async def test_moments_are_exact_over_years(timeline: Timeline) -> None:
    for half_hour in range(1, 100):
        moment = timeline.start + timedelta(days=3650) + timedelta(seconds=1800.000001 * half_hour)
        await timeline.sleep_until(moment)
        assert timeline.now() == moment


async def test_a_moment_that_has_passed_returns_at_once(timeline: Timeline) -> None:
    await timeline.sleep_until(timeline.start - DAY)
    assert timeline.now() == timeline.start


async def test_deadlines_fire_in_order_whoever_set_them(timeline: Timeline) -> None:
    seen: list[str] = []
    timeline.call_at(timeline.start + timedelta(seconds=2), seen.append, "second")
    timeline.call_at(timeline.start + timedelta(seconds=1), seen.append, "first")
    asyncio.get_running_loop().call_later(3, seen.append, "third")
    await timeline.sleep(timedelta(seconds=4))
    assert seen == ["first", "second", "third"]


async def test_asyncio_timeouts_are_virtual_too(timeline: Timeline) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()
    assert timeline.now() == timeline.start + timedelta(hours=1)


async def test_timeout_at_a_moment(timeline: Timeline) -> None:
    with pytest.raises(TimeoutError):
        async with timeline.timeout_at(timeline.start + DAY):
            await timeline.sleep(2 * DAY)
    async with timeline.timeout_at(None):
        await timeline.sleep(2 * DAY)
    assert timeline.now() == timeline.start + 3 * DAY


async def test_a_cancelled_sleep_leaves_no_deadline_behind(timeline: Timeline) -> None:
    sleeping = asyncio.ensure_future(timeline.sleep(DAY))
    await timeline.sleep(timedelta(seconds=1))
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    await timeline.sleep(timedelta(seconds=1))
    assert timeline.now() == timeline.start + timedelta(seconds=2)


async def test_sockets_are_served_before_time_moves(timeline: Timeline) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    far_reader, far_writer = await asyncio.open_connection(sock=theirs)

    async def echo() -> None:
        while octets := await far_reader.read(100):
            far_writer.write(octets)

    echoing = asyncio.ensure_future(echo())
    timeline.call_at(timeline.start + timedelta(seconds=1), writer.write, b"late")
    for number in range(500):
        writer.write(b"%4d" % number)
        assert await reader.readexactly(4) == b"%4d" % number
    assert timeline.now() == timeline.start
    assert await reader.readexactly(4) == b"late"
    assert timeline.now() == timeline.start + timedelta(seconds=1)
    writer.close()
    await echoing
    far_writer.close()
    await writer.wait_closed()
    await far_writer.wait_closed()


async def test_a_tcp_server_and_its_client_talk_without_time_passing(timeline: Timeline) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()
    assert timeline.now() - timeline.start < timedelta(seconds=5)


async def test_time_flows_really_while_a_thread_works(timeline: Timeline) -> None:
    release = threading.Event()
    timeline.call_at(timeline.start + timedelta(milliseconds=20), release.set)
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(release.wait, 50)
    assert timeline.start + timedelta(milliseconds=20) <= timeline.now()
    assert timeline.now() < timeline.start + timedelta(seconds=50)


async def test_an_executor_job_that_cannot_start_leaves_nothing_owed(timeline: Timeline) -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(AttributeError):
        loop.run_in_executor(object(), print)  # type: ignore[arg-type]  # what a bad caller does
    assert not timeline.owed


async def test_a_thread_that_owes_a_call_is_waited_for(timeline: Timeline) -> None:
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    thread = threading.Timer(0.05, loop.call_soon_threadsafe, [answered.set])
    with timeline.outside():
        thread.start()
        async with asyncio.timeout(3000):
            await answered.wait()
    thread.join()
    assert timeline.now() - timeline.start < timedelta(seconds=3000)


async def test_time_flows_really_while_a_child_process_lives(timeline: Timeline) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print('hello')", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(100):
        output, _ = await child.communicate()
    assert output.strip() == b"hello"
    before = timeline.now()
    await timeline.sleep(DAY)
    assert timeline.now() == before + DAY


async def test_a_shell_is_a_child_process(timeline: Timeline) -> None:
    child = await asyncio.create_subprocess_shell("exit 3")
    async with asyncio.timeout(100):
        assert await child.wait() == 3
    assert timeline.now() - timeline.start < timedelta(seconds=100)


def test_a_bench_where_nobody_can_ever_wake_is_reported() -> None:
    with pytest.raises(Stalled, match="nobody will wake"):
        run(asyncio.Event().wait(), Timeline(START, watch_stalls=True))


def test_time_goes_on_where_the_last_run_stopped() -> None:
    timeline = Timeline(START)
    assert timeline.now() == START
    run(timeline.sleep(DAY), timeline)
    assert timeline.now() == START + DAY
    run(timeline.sleep(DAY), timeline)
    assert timeline.now() == START + 2 * DAY


def test_real_time_waits() -> None:
    timeline, before = Timeline(START, REAL), time.perf_counter()
    run(timeline.sleep(timedelta(milliseconds=50)), timeline)
    assert time.perf_counter() - before >= 0.05
    assert timeline.now() >= START + timedelta(milliseconds=50)


def test_scaled_time_runs_faster_than_real_time() -> None:
    timeline, before = Timeline(START, rate=3600), time.perf_counter()
    run(timeline.sleep(timedelta(minutes=3)), timeline)
    assert 0.05 <= time.perf_counter() - before < 10
    assert timeline.now() >= START + timedelta(minutes=3)


def test_time_at_a_rate_waits_for_a_machine_that_is_too_slow() -> None:
    timeline = Timeline(START, rate=3600)
    took = list[timedelta]()

    async def main() -> None:
        async with asyncio.timeout(2):
            for _ in range(5):
                before = timeline.now()
                threading.Event().wait(0.02)  # a machine that computes for more than a minute
                took.append(timeline.now() - before)
                await asyncio.sleep(0)

    run(main(), timeline)
    assert max(took) <= timedelta(seconds=TURN_S)
    assert timeline.held_back > timedelta(minutes=5)


def test_real_time_waits_for_nobody() -> None:
    timeline = Timeline(START, rate=REAL)

    async def main() -> None:
        before = timeline.now()
        threading.Event().wait(0.06)
        assert timeline.now() - before >= timedelta(seconds=TURN_S)

    run(main(), timeline)
    assert timeline.held_back == timedelta()


def test_a_line_to_another_process_may_take_real_time_when_told_so() -> None:
    timeline = Timeline(START, settle_s=5)
    ours, theirs = socket.socketpair()
    late = threading.Timer(0.05, theirs.send, [b"late"])

    async def listen() -> None:
        reader, writer = await asyncio.open_connection(sock=ours)
        late.start()
        async with asyncio.timeout(1):
            assert await reader.readexactly(4) == b"late"
        writer.close()
        await writer.wait_closed()

    run(listen(), timeline)
    late.join()
    theirs.close()
    assert timeline.now() == START


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        Timeline(START, rate)


def test_a_timeline_starts_at_an_aware_moment() -> None:
    with pytest.raises(ValueError, match="aware"):
        Timeline(datetime(2026, 1, 1))  # noqa: DTZ001 - what must be refused
    assert Timeline(START).rate == JUMP
