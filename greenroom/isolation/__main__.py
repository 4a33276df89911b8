"""``python -m greenroom.isolation``: the mail server."""

from greenroom.isolation.mailbox import main

if __name__ == "__main__":
    main()
