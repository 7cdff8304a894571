"""How well and how fast what was said is recognised: word errors, exact numbers, CPU, beside a smaller model."""

import sys

from testkit.interrupts import in_order
from testkit.recognised import main

if __name__ == "__main__":
    sys.exit(in_order(main))
