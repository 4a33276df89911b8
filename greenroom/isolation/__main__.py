"""``python -m greenroom.isolation mail|egress|check``."""

import sys

from greenroom.isolation import check, keeper, mailbox

MAINS = {"mail": mailbox.main, "egress": keeper.main, "check": check.main}

if __name__ == "__main__":
    MAINS[sys.argv[1] if sys.argv[1:] else "mail"]()
