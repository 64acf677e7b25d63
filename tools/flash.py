"""Dongle firmware without the rest of the bench: ``python tools/flash.py --help``.

The same as ``chub flash``. Exit codes: 0 done, 2 usage, 3 no device, 4 wrong image, 5 transfer
failed (the dongle waits in its bootloader: flash again), 6 not verified.
"""

from hw.flash_commands import main

if __name__ == "__main__":
    main()
