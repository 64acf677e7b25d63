"""The WAN side over a real MQTT broker."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiomqtt import Client

from bench.home import living_home
from bench.mqtt import Broker, MqttGateway
from bench.remote_party import RemoteParty
from bench.rig import Rig, RigError
from bench.wan_side import wan_side
from device.timeline import REAL, Timeline, run
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.protection import Verdict

START = datetime(2026, 1, 5, 9, 50, tzinfo=UTC)


@dataclass
class Running:
    """A broker of its own for one test."""

    port: int
    process: subprocess.Popen[bytes]


@pytest.fixture
def mosquitto_here(mosquitto: str, tmp_path: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([mosquitto, "-c", str(settings)], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while b"running" not in process.stderr.readline():
            assert process.poll() is None
        yield Running(port, process)
        process.send_signal(signal.SIGCONT)
        process.terminate()


@pytest.fixture
def broker(mosquitto_here: Running) -> int:
    return mosquitto_here.port


def test_a_bench_ends_though_its_broker_does_not_answer_any_more(mosquitto_here: Running) -> None:
    address = f"mqtt://127.0.0.1:{mosquitto_here.port}/rigs"
    rig = Rig.model_validate(
        {"hub": {"radio": "ether:"}, "wan": {"listen": "127.0.0.1:0", "mqtt": address}}
    )
    timeline = Timeline(START, REAL)

    async def end() -> None:
        async with (
            asyncio.timeout(30),
            Client("127.0.0.1", mosquitto_here.port) as client,
            living_home(rig, timeline) as home,
        ):
            await client.subscribe("rigs/+/availability")
            async with wan_side(home):
                async for message in client.messages:
                    if message.payload == b"online":
                        break
                mosquitto_here.process.send_signal(signal.SIGSTOP)
            mosquitto_here.process.send_signal(signal.SIGCONT)

    run(end(), timeline)


def test_a_command_over_mqtt_is_answered_with_its_transaction(broker: int) -> None:
    rig = Rig.model_validate(
        {
            "name": "bench one",
            "hub": {"radio": "ether:"},
            "wan": {"listen": "127.0.0.1:0", "mqtt": f"mqtt://127.0.0.1:{broker}/rigs"},
        }
    )
    timeline = Timeline(START, REAL)

    async def talk() -> dict[str, dict[str, object]]:
        heard: dict[str, dict[str, object]] = {}
        async with (
            asyncio.timeout(30),
            Client("127.0.0.1", broker) as client,
            living_home(rig, timeline) as home,
        ):
            await client.subscribe("rigs/bench-one/#")
            async with wan_side(home):
                supplier = RemoteParty(rig.parties.supplier, home.keys)
                command = supplier.command(by_name("GCS13a"), rig.hub.gpf, 9).to_bytes()
                asked = json.dumps({"gbcs": command.hex(), "transaction": "t-1"})
                async for message in client.messages:
                    kind = str(message.topic).rpartition("/")[2]
                    text = bytes(message.payload).decode()
                    if kind == "availability" and text == "online":
                        await client.publish("rigs/bench-one/command", b"\x00 noise")
                        await client.publish("rigs/bench-one/command", asked)
                    elif kind == "event" and json.loads(text)["event"] == "CommandRefused":
                        heard["refused"] = json.loads(text)
                    elif kind == "response":
                        heard["response"] = json.loads(text)
                        octets = bytes.fromhex(str(heard["response"]["gbcs"]))
                        assert supplier.open(octets).verification.mac is Verdict.VALID
                        return heard
        raise AssertionError("the broker closed the connection")

    heard = run(talk(), timeline)
    assert heard["response"]["transaction"] == "t-1"
    assert heard["response"]["use_case"] == "GCS13a"
    assert heard["refused"]["refusal"] == "MALFORMED"


def test_what_is_raised_while_the_broker_is_away_waits_in_the_hub_until_it_has_it(
    broker: int,
) -> None:
    sections = {"hub": {"radio": "ether:"}, "gas_meter": False}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody: int = probe.getsockname()[1]

    def rig(port: int) -> Rig:
        wan = {"listen": "127.0.0.1:0", "mqtt": f"mqtt://127.0.0.1:{port}/rigs"}
        return Rig.model_validate({**sections, "wan": wan, "name": "kept"})

    timeline = Timeline(START, REAL)

    async def talk() -> None:
        async with (
            asyncio.timeout(30),
            Client("127.0.0.1", broker) as client,
            living_home(rig(nobody), timeline) as home,
        ):
            outbox, raised = home.hub.chassis.outbox, list[str]()
            await client.subscribe("rigs/kept/alert")
            async with wan_side(home):
                for _ in range(3):
                    home.hub.alerts.generic(0x8F0C)
                    raised.append(outbox._waiting[outbox.newest].hex().upper())
                assert len(outbox) == 3
            home.rig = rig(broker)
            async with wan_side(home):
                async for message in client.messages:
                    assert json.loads(bytes(message.payload))["gbcs"] == raised.pop(0)
                    if not raised:
                        break
                while len(outbox):
                    await timeline.sleep(timedelta(milliseconds=5))

    run(talk(), timeline)


async def test_a_response_that_the_broker_did_not_get_goes_again_with_its_transaction() -> None:
    supplier, gpf = 0x90B3D51F30010000, 0x02434855420000A3
    gateway = MqttGateway(Broker("127.0.0.1", 1, "rigs"), "one", _nothing, _nothing, list)
    command = message(Cra.COMMAND, supplier, gpf)
    gateway.take(json.dumps({"gbcs": command.hex(), "transaction": "t-7"}).encode())
    response = message(Cra.RESPONSE, gpf, supplier)
    assert gateway.upward(response) is False
    for _ in range(1_024):  # as many as a gateway keeps while its broker is away
        gateway.event("{}")
    assert gateway.upward(response) is False
    kept = [gateway._outgoing.get_nowait() for _ in range(gateway._outgoing.qsize())]
    assert [json.loads(one.payload)["transaction"] for one in kept if one.octets] == ["t-7"]


def message(cra: Cra, originator: int, recipient: int) -> bytes:
    code = by_name("GCS13a").message_code
    return Message(
        cra=cra,
        originator_counter=9,
        originator=originator,
        recipient=recipient,
        message_code=code,
        payload=b"",
    ).to_bytes()


def _nothing(what: object) -> None:
    pass


@pytest.mark.parametrize(
    "address",
    [
        "mqtts://bench:secret@host",
        "mqtts://bench:se/cret@host/base",
        "mqtt://bench:se@cret@host:port",
        "bench:secret@host",
    ],
)
def test_a_broker_address_that_is_refused_does_not_show_its_password(address: str) -> None:
    with pytest.raises(RigError) as refused:
        Broker.parse(address)
    assert "@host" in str(refused.value)
    assert "bench" not in str(refused.value)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["127.0.0.1", "http://x", "mqtt://", "mqtt://host:port"])
def test_a_broker_address_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(RigError, match=r"wan\.mqtt"):
        Broker.parse(text)
