"""Atomic units, the same over every kind of store."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.store import MemoryStore, SqliteStore, Store, StoreError, Value


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    kept: MemoryStore | SqliteStore
    kept = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "rig.sqlite")
    yield kept
    kept.close()


def read(store: Store, key: str) -> Value | None:
    with store.transaction() as unit:
        return unit.get(key)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of files are another matter there")
def test_only_its_owner_reads_a_store_for_it_holds_keys(tmp_path: Path) -> None:
    kept = SqliteStore(tmp_path / "rig.sqlite")
    with kept.transaction() as unit:
        unit.put("key", 1)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    kept.close()
    assert set(modes.values()) == {0o600}, modes
    assert "rig.sqlite" in modes


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, "text", b"octets", b"", ""])
def test_a_value_comes_back_as_it_was(store: Store, value: Value) -> None:
    with store.transaction() as unit:
        unit.put("key", value)
    assert read(store, "key") == value


def test_a_deleted_key_is_gone(store: Store) -> None:
    with store.transaction() as unit:
        unit.put("key", 1)
        unit.delete("key")
        unit.delete("never there")
        assert unit.get("key") is None


def test_an_error_undoes_the_whole_unit(store: Store) -> None:
    with store.transaction() as unit:
        unit.put("a", 1)
        unit.append("log", 1, keep=2)
        unit.append("log", 2, keep=2)
    with pytest.raises(ZeroDivisionError), store.transaction() as unit:  # noqa: PT012 - one unit
        unit.put("a", 2)
        unit.put("b", 2)
        unit.delete("a")
        unit.append("log", 3, keep=2)
        unit.append("other", 3, keep=2)
        unit.clear("log")
        raise ZeroDivisionError
    with store.transaction() as unit:
        assert (unit.get("a"), unit.get("b")) == (1, None)
        assert unit.entries("log") == (1, 2)
        assert unit.entries("other") == ()


def test_an_error_in_an_inner_block_undoes_that_block_only(store: Store) -> None:
    with store.transaction() as outer:
        outer.put("a", 1)
        with pytest.raises(ZeroDivisionError), store.transaction() as inner:  # noqa: PT012
            inner.put("a", 2)
            inner.append("log", 2, keep=9)
            raise ZeroDivisionError
        with store.transaction() as inner:
            inner.put("b", 3)
        assert outer.get("a") == 1
    with store.transaction() as unit:
        assert (unit.get("a"), unit.get("b"), unit.entries("log")) == (1, 3, ())


def test_an_error_outside_undoes_what_inner_blocks_kept(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012
        with store.transaction() as inner:
            inner.put("a", 1)
        raise ZeroDivisionError
    assert read(store, "a") is None


def test_a_log_keeps_the_newest_entries(store: Store) -> None:
    with store.transaction() as unit:
        for number in range(10):
            unit.append("log", number, keep=4)
        assert unit.entries("log") == (6, 7, 8, 9)
        assert unit.entries("log", 2) == (8, 9)
        assert unit.entries("log", 0) == ()
        assert unit.entries("log", 99) == (6, 7, 8, 9)
        unit.clear("log")
        assert unit.entries("log") == ()
        unit.append("log", 10, keep=4)
        assert unit.entries("log") == (10,)


def test_structures_are_kept_as_json(store: Store) -> None:
    with store.transaction() as unit:
        unit.put_json("list", [{"a": 1}, None, True])
        assert unit.get_json("list") == [{"a": 1}, None, True]
        assert unit.get_json("none") is None
        unit.put("octets", b"\x00")
        unit.put("text", "{")
        for key in ("octets", "text"):
            with pytest.raises(StoreError, match="no structure"):
                unit.get_json(key)


def test_a_number_is_asked_for_as_a_number(store: Store) -> None:
    with store.transaction() as unit:
        unit.put("text", "1")
        assert unit.get_int("none", 7) == 7
        with pytest.raises(StoreError, match="no number"):
            unit.get_int("text")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_numbers_are_limited_alike_in_every_store(store: Store, number: int) -> None:
    with store.transaction() as unit, pytest.raises(StoreError):
        unit.put("key", number)


def test_parts_of_a_store_do_not_see_each_other(store: Store) -> None:
    one, other = store.scope("00DB1234567890A1"), store.scope("00DB1234567890A2")
    with one.transaction() as unit:
        unit.put("key", 1)
        unit.put("kez", 3)
        unit.append("log", 1, keep=9)
        with other.transaction() as inner:
            inner.put("key", 2)
            assert inner.entries("log") == ()
    assert (read(one, "key"), read(other, "key"), read(store, "key")) == (1, 2, None)
    with one.transaction() as unit:
        assert unit.keys() == ("key", "kez")
        assert unit.keys("kez") == ("kez",)
        assert unit.keys("x") == ()
    with pytest.raises(StoreError):
        store.scope("a/b")


def test_actions_wait_for_the_whole_unit(store: Store) -> None:
    done: list[str] = []
    with store.transaction() as outer:
        with store.transaction() as inner:
            inner.on_commit(lambda: done.append("inner"))
        outer.on_commit(lambda: done.append("outer"))
        with pytest.raises(ZeroDivisionError), store.transaction() as inner:  # noqa: PT012
            inner.on_commit(lambda: done.append("never"))
            raise ZeroDivisionError
        assert done == []
    assert done == ["inner", "outer"]


def test_a_model_in_memory_is_put_back_last_change_first(store: Store) -> None:
    model = ["old"]
    with pytest.raises(ZeroDivisionError), store.transaction() as outer:  # noqa: PT012
        with store.transaction() as unit:
            unit.on_rollback(lambda: model.append("first change undone"))
        outer.on_rollback(lambda: model.append("second change undone"))
        raise ZeroDivisionError
    assert model == ["old", "second change undone", "first change undone"]
    with store.transaction():
        pass
    assert len(model) == 3


_Op = tuple[str, str, int]
_OPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "append", "clear"]),
        st.sampled_from("ab"),
        st.integers(0, 99),
    ),
    max_size=8,
)


def _apply(store: Store, ops: list[_Op], fail: bool) -> None:
    with store.transaction() as unit:
        for op, name, number in ops:
            if op == "put":
                unit.put(name, number)
            elif op == "delete":
                unit.delete(name)
            elif op == "append":
                unit.append(name, number, keep=3)
            else:
                unit.clear(name)
        if fail:
            raise ZeroDivisionError


@settings(max_examples=40)
@given(st.lists(st.tuples(_OPS, st.booleans()), max_size=5))
def test_both_stores_agree_whatever_is_done(units: list[tuple[list[_Op], bool]]) -> None:
    memory, file = MemoryStore(), SqliteStore(Path(":memory:"))
    for ops, fail in units:
        for store in (memory, file):
            try:
                _apply(store, ops, fail)
            except ZeroDivisionError:
                assert fail
    for name in "ab":
        assert read(memory, name) == read(file, name)
        with memory.transaction() as one, file.transaction() as other:
            assert one.entries(name) == other.entries(name)
    file.close()


def test_a_file_is_found_again(tmp_path: Path) -> None:
    for number in range(3):
        store = SqliteStore(tmp_path / "rig.sqlite", survive_power_loss=True)
        with store.transaction() as unit:
            assert unit.get_int("runs") == number
            unit.put("runs", number + 1)
        store.close()
        store.close()


def test_a_file_that_is_none_is_a_named_error(tmp_path: Path) -> None:
    bad = tmp_path / "rig.sqlite"
    bad.write_bytes(b"no database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match="the store's file"):
        SqliteStore(bad)
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "nowhere" / "rig.sqlite")


def test_a_full_disk_undoes_the_unit_and_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rig.sqlite")
    with store.transaction() as unit:
        unit.put("key", 1)
    store._file._connection.execute("PRAGMA max_page_count = 1")
    undone: list[int] = []
    with pytest.raises(StoreError), store.transaction() as unit:  # noqa: PT012
        unit.on_rollback(lambda: undone.append(1))
        unit.put("key", 2)
        unit.put("big", bytes(100_000))
    assert (read(store, "key"), undone) == (1, [1])
    store.close()


_CHILD = """
import os, signal, sys
from pathlib import Path
from device.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
stop_at, stage = int(sys.argv[2]), sys.argv[3]

def die_at(number, here):
    if number == stop_at and stage == here:
        os.kill(os.getpid(), signal.SIGKILL)

for number in range(1, 1000):
    with store.transaction() as unit:
        die_at(number, "before")
        unit.put("counter", number)
        unit.append("log", number, keep=5)
        die_at(number, "midway")
        unit.put("effect", number)
        die_at(number, "written")
    die_at(number, "kept")
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    die_at(number, "acknowledged")
"""


@pytest.mark.parametrize(
    ("stage", "kept"),
    [("before", 6), ("midway", 6), ("written", 6), ("kept", 7), ("acknowledged", 7)],
)
def test_killing_the_process_keeps_whole_units_only(tmp_path: Path, stage: str, kept: int) -> None:
    file = tmp_path / "rig.sqlite"
    command = [sys.executable, "-c", _CHILD, str(file), "7", stage]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == -9, child.stderr
    acknowledged = len(child.stdout.split())
    store = SqliteStore(file)
    with store.transaction() as unit:
        assert unit.get("counter") == unit.get("effect") == kept >= acknowledged
        assert unit.entries("log", 1) == (kept,)
    store.close()


def test_a_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    for acknowledgements in (1, 40, 90):
        file = tmp_path / f"{acknowledgements}.sqlite"
        command = [sys.executable, "-c", _CHILD, str(file), "0", "never"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            last = 0
            while last < acknowledgements:
                last = int(child.stdout.readline())
            child.kill()
            last = max([last, *map(int, child.stdout.read().split("\n")[:-1])])
        store = SqliteStore(file)
        with store.transaction() as unit:
            counter = unit.get_int("counter")
            assert counter == unit.get("effect")
            assert counter >= last
        store.close()


def test_a_reader_beside_the_bench_sees_only_whole_units(tmp_path: Path) -> None:
    file = tmp_path / "rig.sqlite"
    store = SqliteStore(file)
    beside = sqlite3.connect(file)
    with store.transaction() as unit:
        unit.put("key", 1)
        assert beside.execute("SELECT count(*) FROM item").fetchall() == [(0,)]
    assert beside.execute("SELECT value FROM item").fetchall() == [(1,)]
    beside.close()
    store.close()


def test_a_file_that_devices_live_from_is_refused_to_others_until_it_is_closed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rig.sqlite"
    store = SqliteStore(file, alone=True)
    with pytest.raises(StoreError, match="another bench is using it"):
        SqliteStore(file, alone=True)
    SqliteStore(file).close()  # whoever only reads may
    store.close()
    SqliteStore(file, alone=True).close()


def test_a_lock_that_is_no_lock_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "rig.sqlite.lock").write_text("somebody's notes " * 64)
    with pytest.raises(StoreError, match=r"lock beside .* not a database"):
        SqliteStore(tmp_path / "rig.sqlite", alone=True)


def test_a_store_in_memory_needs_no_lock_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for store in [SqliteStore(Path(":memory:"), alone=True) for _ in range(2)]:
        store.close()
    assert list(tmp_path.iterdir()) == []
