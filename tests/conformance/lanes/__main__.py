"""All lanes on a machine of the recorded size, in minutes: python -m tests.conformance.lanes [KERNEL ...]."""

from __future__ import annotations

import sys

from tests.conformance.lanes.compare import verdicts
from tests.conformance.lanes.rows import KERNELS
from tests.conformance.lanes.situation import WHOLE
from tests.conformance.lanes.table import HEAD, lane_line


def main(kernels: list[str]) -> int:
    """Print a line for each lane as it is done; 1 if any differs."""
    print(HEAD)
    worst = 0
    for kernel in kernels or KERNELS:
        for verdict in verdicts(kernel, WHOLE):
            print(lane_line(verdict), flush=True)
            worst |= bool(verdict.differs)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
