"""Where a device keeps what must survive: keys with values, and bounded logs, changed in units.

Whatever is done inside one ``with store.transaction() as unit:`` is either kept as a whole or not
at all; when the block ends without an error it is kept, also if the process is killed right after.
Transactions inside a transaction join it; an error that leaves an inner block undoes that block.
"""

from device.store.memory import MemoryStore
from device.store.sqlite import SqliteStore
from device.store.unit import Json, Store, StoreError, Transaction, Value

__all__ = ["Json", "MemoryStore", "SqliteStore", "Store", "StoreError", "Transaction", "Value"]
