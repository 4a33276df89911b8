"""What the sieve tells of a text, and of its words; nothing is compiled here.

Each flag is a necessary condition: where it is not set, what it stands for is not in the text.
"""

from __future__ import annotations

WORDS, CALL, BARE, LONG, CARD, IBAN, NAMES, STREETS = (1 << bit for bit in range(8))
"""WORDS: something of one word, as an address of any net; CALL: a number of four digits and more
in some layout; BARE: one of digits alone, which counts where a word speaks for it; LONG: nine
digits close together; CARD: twelve; IBAN: two capitals and two digits."""
EVERY = (1 << 8) - 1
"""Of a text that is not read here."""
TITLE, GREETING, PARTICLE, STREET, ROMANCE = (1 << bit for bit in range(5))
"""What a word of ours may be."""
