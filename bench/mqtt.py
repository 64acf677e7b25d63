"""The WAN side over MQTT, in the idiom of zigbee2mqtt.

Below ``<base>/<home>/``: ``command`` takes GBCS messages (hexadecimal or GFI text, or JSON
``{"gbcs": hex, "transaction": anything}``); ``response`` and ``alert`` give them as JSON, a
Response with the transaction of its command; ``event`` gives every event; ``availability`` is
``online`` or, as the broker's last will, ``offline`` (retained).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bench.rig import RigError
from bench.wan import Transaction
from gbcs.catalogue import by_code
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.gfi import from_gfi

if TYPE_CHECKING:
    from aiomqtt import Client

_LOG: Final = logging.getLogger(__name__)
_BACKLOG: Final = 1_024
"""Messages kept while the broker is away; the oldest go first."""
_RETRY_S: Final = 2.0
_SILENCE_S: Final = 5.0
"""A broker that is silent for so long is taken as lost."""
_OPEN_TRANSACTIONS: Final = 4_096
Plain = str | int | float | bool | list[object] | dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Broker:
    """``mqtt://[user:password@]host[:port][/base]``."""

    host: str
    port: int
    base: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Broker:
        """Take an address apart; RigError names what is wrong."""
        shown = re.sub(r"(?<=//).*@|^(?!.*//).*@", "...@", text)  # without user and password
        try:
            parts = urlsplit(text)
            port = parts.port or 1883
        except ValueError as error:
            raise RigError(f"wan.mqtt: {shown!r}: host or port cannot be read") from error
        if parts.scheme != "mqtt" or not parts.hostname:
            raise RigError(f"wan.mqtt: {shown!r} is not mqtt://host[:port][/base]")
        base = parts.path.strip("/") or "chub"
        return cls(parts.hostname, port, base, parts.username, parts.password)


@dataclass(frozen=True, slots=True)
class _Publication:
    """``octets`` are those of the message, if it is one; ``transaction`` is what it answers."""

    topic: str
    payload: str
    octets: bytes = b""
    transaction: Transaction | None = None


class MqttGateway:
    """Leads commands from the broker to the hub, Responses, alerts and events back.

    A message is the hub's until the broker has acknowledged it; ``flush`` makes the hub offer it
    then once more.
    """

    def __init__(
        self,
        broker: Broker,
        home: str,
        command: Callable[[bytes], None],
        refuse: Callable[[MalformedMessage], None],
        flush: Callable[[], object],
    ) -> None:
        self.topic = f"{broker.base}/{re.sub(r'[^A-Za-z0-9_-]+', '-', home).strip('-')}"
        self._broker, self._command, self._refuse = broker, command, refuse
        self._flush = flush
        self._outgoing: asyncio.Queue[_Publication] = asyncio.Queue()
        self._under_way: set[bytes] = set()
        self._acknowledged: set[bytes] = set()
        self._transactions: dict[Transaction, Plain] = {}
        self.connected = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Stay connected while the block runs; a broker that is away is tried again."""
        async with asyncio.TaskGroup() as tasks:
            staying = tasks.create_task(self._stay(), name="mqtt")
            try:
                yield
            finally:
                staying.cancel()

    def upward(self, octets: bytes) -> bool:
        """Publish a Response or alert; False until the broker has acknowledged it."""
        if octets in self._acknowledged:
            return True
        if octets not in self._under_way:
            self._under_way.add(octets)
            self._publish_message(octets)
        return False

    def _publish_message(self, octets: bytes) -> None:
        message = Message.parse(octets)
        use_case = by_code(message.message_code)
        said: dict[str, object] = {
            "gbcs": octets.hex().upper(),
            "use_case": use_case.name if use_case else None,
            "originator": format_eui64(message.originator),
            "recipient": format_eui64(message.recipient),
            "originator_counter": message.originator_counter,
        }
        key: Transaction | None = None
        if message.cra is Cra.RESPONSE:
            key = (message.recipient, message.originator, message.originator_counter)
            said["transaction"] = self._transactions.get(key)  # until the broker has it
        kind = "alert" if key is None else "response"
        self._put(_Publication(f"{self.topic}/{kind}", json.dumps(said), octets, key))

    def event(self, line: str) -> None:
        """Publish one event, a line of JSON."""
        self._put(_Publication(f"{self.topic}/event", line))

    def take(self, payload: bytes) -> None:
        """Take what came on the command topic; what is no message is refused by name."""
        try:
            octets, transaction = _read(payload)
            message = Message.parse(octets)
        except MalformedMessage as error:
            self._refuse(error)
            return
        if transaction is not None:
            key = (message.originator, message.recipient, message.originator_counter)
            self._transactions[key] = transaction
            while len(self._transactions) > _OPEN_TRANSACTIONS:
                del self._transactions[next(iter(self._transactions))]
        self._command(octets)

    def _put(self, one: _Publication) -> None:
        while self._outgoing.qsize() >= _BACKLOG:
            self._under_way.discard(self._outgoing.get_nowait().octets)
        self._outgoing.put_nowait(one)

    async def _stay(self) -> None:
        from aiomqtt import Client, MqttError, Will

        availability = f"{self.topic}/availability"
        loop = asyncio.get_running_loop()
        while True:
            will = Will(availability, "offline", qos=1, retain=True)
            broker = self._broker
            try:
                async with Client(
                    broker.host,
                    broker.port,
                    username=broker.user,
                    password=broker.password,
                    will=will,
                    timeout=_SILENCE_S,
                ) as client:
                    await client.subscribe(f"{self.topic}/command", qos=1)
                    await client.publish(availability, "online", qos=1, retain=True)
                    self.connected.set()
                    self._flush()
                    await self._exchange(client)
            except* MqttError as group:
                reason = group.exceptions[0]
                _LOG.warning("broker %s:%d: %s", broker.host, broker.port, reason)
            _heed_cancellation()
            self.connected.clear()
            again = loop.create_future()
            loop.call_later(_RETRY_S, again.set_result, None)
            await again

    async def _exchange(self, client: Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self._publish(client), name="mqtt publish")
            try:
                async for message in client.messages:
                    payload = message.payload
                    self.take(payload if isinstance(payload, bytes) else str(payload).encode())
            finally:
                publishing.cancel()

    async def _publish(self, client: Client) -> None:
        while True:
            one = await self._outgoing.get()
            try:
                await client.publish(one.topic, one.payload, qos=1)
                self._acknowledged.add(one.octets)
                if one.transaction is not None:
                    self._transactions.pop(one.transaction, None)
            finally:
                self._under_way.discard(one.octets)
            _heed_cancellation()
            if self._outgoing.empty():
                self._flush()
                self._acknowledged.clear()


def _heed_cancellation() -> None:
    """End a task that was told to, when what it waited for took the message.

    ``asyncio.wait_for`` of Python 3.11, by which aiomqtt waits, loses a cancellation that comes at
    the moment of the answer; and an error of the broker may come in its place.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _read(payload: bytes) -> tuple[bytes, Plain]:
    """The message of a payload, and its transaction."""
    text = payload.strip()
    transaction: Plain = None
    if text[:1] == b"{":
        text, transaction = _read_json(text)
    if text.startswith(b"GBCS:"):
        return from_gfi(text), transaction
    try:
        return bytes.fromhex(text.decode("ascii")), transaction
    except (UnicodeDecodeError, ValueError):
        raise MalformedMessage("neither hexadecimal, GFI text nor JSON", offset=0) from None


def _read_json(text: bytes) -> tuple[bytes, Plain]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedMessage("not JSON", offset=0) from None
    if not isinstance(found, dict) or not isinstance(found.get("gbcs"), str):
        raise MalformedMessage('JSON without a text "gbcs"', offset=0)
    return found["gbcs"].strip().encode(), found.get("transaction")
