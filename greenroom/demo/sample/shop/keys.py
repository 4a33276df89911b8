"""Names under which the application keeps what its pages need."""

from __future__ import annotations

from aiohttp import web
from jinja2 import Environment

from shop.config import Config
from shop.database import Database

CONFIG = web.AppKey("config", Config)
DATABASE = web.AppKey("database", Database)
TEMPLATES = web.AppKey("templates", Environment)
