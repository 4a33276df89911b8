"""What a database holds: tables, columns, keys; plain values that every step of the sync shares."""

from __future__ import annotations

from dataclasses import dataclass, field


def quote(name: str) -> str:
    """Quote an identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Column:
    """A column as it can be copied."""

    name: str
    type: str
    """The full type as ``format_type`` prints it: ``character varying(80)``, ``text[]``."""
    base_type: str
    """The type's name beneath domains, without length: ``varchar``, ``_text``, ``jsonb``."""
    max_length: int | None = None
    """Characters that fit, for ``char`` and ``varchar``."""
    is_nullable: bool = True
    is_generated: bool = False
    """Computed by the server: never copied, computed anew."""
    is_identity: bool = False
    is_unique: bool = False
    """Whether a unique index has this column alone: its fakes must not collide."""
    collation: str = ""
    comment: str = ""


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values stand in another table."""

    name: str
    columns: tuple[str, ...]
    target: str
    """The other table's ``key``."""
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table that holds rows of its own (a partition counts, its partitioned parent does not)."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[str, ...] = ()
    parent: str = ""
    """The ``key`` of the partitioned table whose partition this is: the policy names that one."""
    estimated_rows: int = 0
    size_bytes: int = 0
    pages: int = 0
    comment: str = ""

    @property
    def key(self) -> str:
        """``schema.table``, each part quoted only when it must be: how policies name it."""
        return ".".join(_plain(part) for part in (self.schema, self.name))

    @property
    def sql(self) -> str:
        """The name for SQL."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def policy_key(self) -> str:
        """The key under which the policy decides its columns."""
        return self.parent or self.key

    def column(self, name: str) -> Column:
        """Give a column by name.

        Errors: KeyError.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Schema:
    """All of a database that can hold rows."""

    tables: tuple[Table, ...]
    server_version: int = 0
    """As ``server_version_num``: 150018."""
    extensions: tuple[str, ...] = ()
    by_key: dict[str, Table] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Index the tables."""
        object.__setattr__(self, "by_key", {table.key: table for table in self.tables})


def _plain(name: str) -> str:
    is_plain = name.replace("_", "a").isalnum() and name == name.lower() and name.isascii()
    return name if is_plain and not name[0].isdigit() else quote(name)
