"""Who is there on the WAN side: what nobody takes waits in the hub, and goes to those who stay."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bench.wan import GfiGateway
from device.alerts import Alerts
from device.command import Answered
from device.responding import respond
from device.timeline import REAL, Timeline, run
from gbcs.gfi import GfiReader, to_gfi
from tests.device.rig import Rig, command

LONG_S, AT_ONCE_S, LIMIT_S = 3_600.0, 0.0, 20.0


class Bench:
    """A device whose messages go straight to the gateway."""

    def __init__(self, listens_after_s: float) -> None:
        self.rig = Rig()
        self.alerts, self.pipeline = Alerts(self.rig.chassis), self.rig.pipeline()
        self.outbox = self.rig.chassis.outbox
        self.gateway = GfiGateway(self._take, print, self.outbox.flush, listens_after_s)
        self.outbox.hand_to(self.gateway.upward)

    def _take(self, octets: bytes) -> None:
        respond(self.rig.chassis, self._execute, octets)

    def _execute(self, octets: bytes) -> bytes | None:
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def alert(self) -> bytes:
        return self.alerts.generic(0x8F0C).to_bytes()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        async with self.gateway.serving("127.0.0.1", 0) as port:
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            yield client
            client.writer.close()


class Client:
    """A head end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._lines = GfiReader()
        self._heard: list[bytes | Exception] = []

    async def hear(self) -> bytes | Exception:
        """The next message."""
        while not self._heard:
            octets = await self.reader.read(4096)
            assert octets, "the bench closed the connection"
            self._heard += self._lines.feed(octets)
        return self._heard.pop(0)


def in_real_time(coroutine: Coroutine[object, object, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(LIMIT_S):
            await coroutine

    run(bounded(), Timeline(datetime(2026, 1, 5, tzinfo=UTC), REAL))


def test_alerts_wait_for_a_connection_that_stays_and_come_in_order() -> None:
    async def talk() -> None:
        bench = Bench(AT_ONCE_S)
        raised = [bench.alert(), bench.alert()]
        assert len(bench.outbox) == 2
        async with bench.connected() as client:
            assert [await client.hear(), await client.hear()] == raised
            assert len(bench.outbox) == 0
            raised.append(bench.alert())
            assert await client.hear() == raised[2]
            assert len(bench.outbox) == 0

    in_real_time(talk())


def test_who_only_asks_gets_the_response_and_leaves_the_alerts_to_others() -> None:
    async def talk() -> None:
        bench = Bench(LONG_S)
        raised = [bench.alert()]
        async with bench.connected() as client:
            client.writer.write(to_gfi(command(bench.rig)))
            answer = await client.hear()
            assert isinstance(answer, bytes)
            raised.append(bench.alert())
            assert [octets for _, octets in bench.outbox._waiting.items()] == raised

    in_real_time(talk())


def test_a_response_whose_asker_left_waits_for_somebody() -> None:
    async def talk() -> None:
        bench = Bench(AT_ONCE_S)
        bench._take(command(bench.rig))
        assert len(bench.outbox) == 1
        async with bench.connected() as client:
            assert isinstance(await client.hear(), bytes)
            assert len(bench.outbox) == 0

    in_real_time(talk())


def test_a_connection_that_never_reads_is_cut_and_what_comes_then_waits_for_another() -> None:
    async def talk() -> None:
        bench, there = Bench(AT_ONCE_S), asyncio.Event()
        bench.gateway.listening = there.set
        async with bench.gateway.serving("127.0.0.1", 0) as port:
            with socket.create_connection(("127.0.0.1", port)):
                await there.wait()
                octets, sent = bench.alert(), 0
                while bench.gateway.upward(octets):
                    sent += 1
                    assert sent * len(octets) < 20_000_000
                raised = bench.alert()
            bench.gateway.listening = bench.outbox.flush
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            assert await client.hear() == raised
            client.writer.close()

    in_real_time(talk())
