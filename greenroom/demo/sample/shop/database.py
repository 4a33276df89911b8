"""A few connections to Postgres, kept open and lent out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

Connection = psycopg.AsyncConnection[DictRow]
Row = dict[str, Any]

WAIT_SECONDS = 5.0
"""How long a request waits for a connection before it gives up."""
TRUSTED_SECONDS = 1.0
"""A connection idle for longer is tried before it is lent: the server may have gone."""


class Database:
    """Up to ``size`` connections, opened when first needed."""

    def __init__(self, url: str, size: int = 5) -> None:
        self._url = url
        self._slots = asyncio.Semaphore(size)
        self._idle: list[tuple[float, Connection]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit; write within ``connection.transaction()``.

        Errors: psycopg.OperationalError when there is no database.
        """
        try:
            await asyncio.wait_for(self._slots.acquire(), WAIT_SECONDS)
        except TimeoutError as error:
            raise psycopg.OperationalError("all connections are in use") from error
        try:
            connection = await self._take()
            try:
                yield connection
            finally:
                if connection.closed or connection.info.transaction_status != 0:
                    await connection.close()
                else:
                    self._idle.append((time.monotonic(), connection))
        finally:
            self._slots.release()

    async def _take(self) -> Connection:
        while self._idle:
            since, connection = self._idle.pop()
            if time.monotonic() - since < TRUSTED_SECONDS:
                return connection
            try:
                await connection.execute("select 1")
            except psycopg.Error:
                await connection.close()
            else:
                return connection
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=3,
            application_name="shop",
            options="-c statement_timeout=10000",
        )

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop()[1].close()


async def fetch(connection: Connection, query: str, *values: Any) -> list[Row]:
    """Give all rows of ``query``."""
    return await (await connection.execute(query.encode(), values or None)).fetchall()


async def fetch_one(connection: Connection, query: str, *values: Any) -> Row | None:
    """Give the first row of ``query``."""
    return await (await connection.execute(query.encode(), values or None)).fetchone()
