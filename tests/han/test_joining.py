"""The whitelist: who may join, for how long, and what the radio is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from han.joining import (
    Action,
    AllowJoin,
    DenyJoin,
    Joined,
    JoiningDevice,
    LogChanged,
    PermitJoining,
    Refused,
    RemoveDevice,
    TurnedAway,
    Whitelist,
    WindowClosed,
)
from han.radio import DeviceJoined, DeviceLeft, JoinKind
from tests.han.home import DISPLAY, METER, START

CODE = bytes.fromhex("83fed3407a939723a5c639b26916d505")
KEY = bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb")
WINDOW = timedelta(seconds=90)


def arrival(eui64: int = METER, *, admitted: bool = True) -> DeviceJoined:
    return DeviceJoined(eui64, JoinKind.ASSOCIATED, admitted)


def opened(window: timedelta = WINDOW) -> Whitelist:
    whitelist = Whitelist()
    assert whitelist.add(METER, CODE, JoiningDevice.GSME, START, window) is None
    return whitelist


def test_a_device_is_let_in_with_the_key_of_its_install_code() -> None:
    whitelist = opened()
    assert whitelist.actions() == [AllowJoin(METER, KEY), PermitJoining(90)]
    assert whitelist.events() == [LogChanged(METER)]
    whitelist.joined(arrival(), START + timedelta(seconds=5))
    assert whitelist.actions() == [PermitJoining(0)]
    (joined,) = whitelist.events()
    assert isinstance(joined, Joined)
    assert joined.entry.device_type == JoiningDevice.GSME
    assert whitelist.deadline is None
    assert "66b69" not in repr(joined)


def test_a_window_that_ends_shuts_the_device_out() -> None:
    whitelist = opened()
    whitelist.actions()
    whitelist.events()
    assert whitelist.deadline == START + WINDOW
    whitelist.poll(START + WINDOW)
    assert whitelist.actions() == [DenyJoin(METER), PermitJoining(0)]
    assert whitelist.events() == [WindowClosed(METER)]
    whitelist.joined(arrival(admitted=False), START + WINDOW)
    assert whitelist.events() == [TurnedAway(METER, Refused.WINDOW_CLOSED)]


def test_a_long_window_is_renewed() -> None:
    whitelist = opened(timedelta(minutes=10))
    assert whitelist.actions()[-1] == PermitJoining(254)
    assert whitelist.deadline == START + timedelta(seconds=240)
    whitelist.poll(START + timedelta(seconds=240))
    assert whitelist.actions() == [PermitJoining(254)]
    whitelist.poll(START + timedelta(seconds=480))
    assert whitelist.actions() == [PermitJoining(120)]
    whitelist.poll(START + timedelta(seconds=600))
    assert whitelist.actions() == [DenyJoin(METER), PermitJoining(0)]


def test_adding_again_keeps_the_key_and_opens_the_window_again() -> None:
    whitelist = opened()
    whitelist.established(METER, b"k" * 16)
    whitelist.actions()
    whitelist.events()
    assert whitelist.add(METER, bytes(16), JoiningDevice.GSME, START, WINDOW) is None
    assert whitelist.actions()[0] == AllowJoin(METER, b"k" * 16)
    assert whitelist.events() == []


def test_the_seventeenth_device_and_a_bad_code_are_refused() -> None:
    whitelist = Whitelist()
    for n in range(16):
        assert whitelist.add(n + 1, CODE, JoiningDevice.IHD, START, WINDOW) is None
    assert whitelist.add(99, CODE, JoiningDevice.IHD, START, WINDOW) is Refused.LOG_FULL
    assert Whitelist().add(1, bytes(5), 0, START, WINDOW) is Refused.BAD_INSTALL_CODE
    assert Whitelist().actions() == []


def test_a_device_that_is_removed_must_leave_and_may_not_come_back() -> None:
    whitelist = opened()
    whitelist.actions()
    whitelist.events()
    assert whitelist.remove(METER, START) is None
    assert whitelist.actions() == [DenyJoin(METER), RemoveDevice(METER), PermitJoining(0)]
    assert whitelist.events() == [LogChanged(METER)]
    assert not whitelist.may_communicate(METER)
    assert whitelist.remove(METER, START) is Refused.NOT_IN_LOG


def test_strangers_are_turned_away_and_removed_when_the_radio_let_them_in() -> None:
    whitelist = opened()
    whitelist.actions()
    whitelist.events()
    whitelist.joined(arrival(DISPLAY, admitted=False), START)
    assert whitelist.actions() == []
    whitelist.joined(arrival(DISPLAY), START)
    assert whitelist.actions() == [RemoveDevice(DISPLAY)]
    assert whitelist.events() == [TurnedAway(DISPLAY, Refused.NOT_IN_LOG)] * 2


def test_a_wrong_key_is_told_apart_from_a_closed_window() -> None:
    whitelist = opened()
    whitelist.events()
    whitelist.joined(arrival(admitted=False), START)
    assert whitelist.events() == [TurnedAway(METER, Refused.BY_RADIO)]


def test_after_a_restart_joined_devices_may_rejoin_and_windows_stay_shut() -> None:
    before = opened()
    before.joined(arrival(), START)
    before.add(DISPLAY, CODE, JoiningDevice.IHD, START, WINDOW)
    after = Whitelist()
    after.restore(before.entries.values())
    actions: list[Action] = after.actions()
    assert actions == [AllowJoin(METER, KEY)]
    assert after.deadline is None
    after.left(DeviceLeft(METER))
    assert after.actions() == [DenyJoin(METER)]
    assert after.may_communicate(METER)


@pytest.mark.parametrize("joined", [True, False])
def test_a_window_of_a_device_that_is_there_closes_in_silence(*, joined: bool) -> None:
    whitelist = opened()
    if joined:
        whitelist.joined(arrival(), START)
        whitelist.add(METER, CODE, JoiningDevice.GSME, START, WINDOW)
    whitelist.actions()
    whitelist.events()
    whitelist.poll(START + WINDOW)
    assert (DenyJoin(METER) in whitelist.actions()) is not joined
