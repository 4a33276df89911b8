"""A shop's database that is generated in the server: invented people, texts and documents.

``scale`` 1 is about a gigabyte: 500,000 users, 600,000 addresses, 2 million orders, 4 million
items, 200,000 tickets, a million events.
"""

from __future__ import annotations

import random

import psycopg
from faker import Faker

from greenroom.data.policy import Decision, Policy, TablePolicy

_TABLES = """
create table words (kind text, k int, v text, primary key (kind, k));
create table users (id bigint primary key, email text not null, full_name text not null,
  phone text, password_hash text, locale text, plan text, signup_ip inet,
  created_at timestamptz not null, last_login_at timestamptz, is_active boolean, ltv_cents bigint);
create table addresses (id bigint primary key, user_id bigint not null, kind text, line1 text,
  city text, postcode text, country text, lat float8, lon float8);
create table orders (id bigint primary key, user_id bigint not null, address_id bigint, status text,
  total_cents bigint, currency text, coupon text, email text, created_at timestamptz,
  updated_at timestamptz);
create table order_items (id bigint primary key, order_id bigint not null, sku text, quantity int,
  price_cents bigint);
create table tickets (id bigint primary key, user_id bigint not null, subject text, body text,
  created_at timestamptz, tags text[]);
create table events (id bigint primary key, user_id bigint, kind text, payload jsonb,
  at timestamptz);
"""
_FILL = (
    """insert into users select g.i, lower(f.v) || '.' || lower(l.v) || g.i || '@mail.example',
  f.v || ' ' || l.v, '+1 ' || 200 + g.i % 700 || ' ' || 200 + g.i % 797 || ' '
  || lpad((g.i % 10000)::text, 4, '0'), md5(g.i::text) || md5((g.i + 1)::text),
  (array['en', 'de', 'fr'])[1 + g.i % 3], (array['free', 'pro', 'team'])[1 + (g.i / 7) % 3],
  ('10.' || (g.i / 65536) % 256 || '.' || (g.i / 256) % 256 || '.' || g.i % 256)::inet,
  '2020-01-01'::timestamptz + (g.i * 13 % 100000000) * interval '1 second',
  '2025-01-01'::timestamptz + (g.i * 7 % 30000000) * interval '1 second', g.i % 11 <> 0,
  g.i * 31 % 1000000
  from generate_series(1, {users}::bigint) g(i)
  join words f on f.kind = 'given' and f.k = g.i * 7919 % {given}
  join words l on l.kind = 'family' and l.k = g.i * 104729 % {family}""",
    """insert into addresses select i, 1 + i * 7919 % {users}, 'home', (1 + i % 9999) || ' ' || l.v
  || ' Street', c.v, lpad((i * 37 % 99999)::text, 5, '0'), 'US', 30 + (i % 2000) / 100.0,
  -120 + (i % 5000) / 100.0 from generate_series(1, {addresses}::bigint) i
  join words l on l.kind = 'family' and l.k = i * 31 % {family}
  join words c on c.kind = 'city' and c.k = i % {city}""",
    """insert into orders select i, u.id, 1 + i * 7 % {addresses}, (array['new', 'paid', 'sent'])
  [1 + i % 3], 100 + i * 37 % 50000, 'USD', case when i % 10 = 0 then 'SAVE' || i % 50 end, u.email,
  '2023-01-01'::timestamptz + (i * 17 % 80000000) * interval '1 second',
  '2024-01-01'::timestamptz + (i * 19 % 40000000) * interval '1 second'
  from generate_series(1, {orders}::bigint) i join users u on u.id = 1 + i * 104729 % {users}""",
    """insert into order_items select i, 1 + i * 3 % {orders}, 'SKU-' || lpad((i % 20000)::text, 6,
  '0'), 1 + i % 5, 99 + i * 7 % 9900 from generate_series(1, {items}::bigint) i""",
    """insert into tickets select i, u.id, 'Order ' || i * 3 || ' problem', 'Hello, my name is '
  || u.full_name || ' and something is wrong with what I ordered last week. '
  || repeat('The parcel was late and the box was open on one side when it came. ', 1 + (i % 4)::int)
  || 'Write to ' || u.email || ' or call ' || u.phone || '. Thank you, ' || u.full_name,
  u.created_at + interval '30 days', array['billing', 'tag' || i % 9]
  from generate_series(1, {tickets}::bigint) i join users u on u.id = 1 + i * 611953 % {users}""",
    """insert into events select i, u.id, (array['login', 'view', 'buy'])[1 + i % 3],
  jsonb_build_object('session', md5(i::text), 'user', jsonb_build_object('email', u.email, 'name',
  u.full_name), 'page', '/p/' || i % 5000, 'n', i % 17),
  '2024-06-01'::timestamptz + i * interval '20 seconds'
  from generate_series(1, {events}::bigint) i join users u on u.id = 1 + i * 15485863 % {users}""",
)
_KEYS = """
create unique index on users (email); create index on users (created_at);
alter table addresses add foreign key (user_id) references users;
create index on addresses (user_id);
alter table orders add foreign key (user_id) references users,
  add foreign key (address_id) references addresses;
create index on orders (user_id); create index on orders (created_at);
alter table order_items add foreign key (order_id) references orders;
create index on order_items (order_id);
alter table tickets add foreign key (user_id) references users; create index on tickets (user_id);
create index on events (user_id);
drop table words; analyze;
"""
MASKED = {
    "users": {"email": "email", "full_name": "full_name", "phone": "phone",
              "password_hash": "token", "signup_ip": "ip"},
    "addresses": {"line1": "street", "city": "city", "postcode": "postcode"},
    "orders": {"email": "email"},
}  # fmt: skip


def fill(url: str, scale: float, *, only_users: bool = False) -> None:
    """Make and fill the shop's tables in an empty database."""
    Faker.seed(7)
    fake = Faker(["en_US", "de_DE"])
    words = {
        "given": sorted({fake.first_name() for _ in range(1500)}),
        "family": sorted({fake.last_name() for _ in range(3000)}),
        "city": sorted({fake.city() for _ in range(200)}),
    }
    random.Random(7).shuffle(words["given"])
    sizes = {
        name: max(1, int(count * scale))
        for name, count in (
            ("users", 500_000), ("addresses", 600_000), ("orders", 2_000_000),
            ("items", 4_000_000), ("tickets", 200_000), ("events", 1_000_000),
        )
    }  # fmt: skip
    sizes |= {kind: len(entries) for kind, entries in words.items()}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TABLES)
        with connection.cursor() as cursor, cursor.copy("copy words from stdin") as copy:
            for kind, entries in words.items():
                for number, entry in enumerate(entries):
                    copy.write_row((kind, number, entry))
        for statement in _FILL[:1] if only_users else _FILL:
            connection.execute(statement.format(**sizes).encode())
        connection.execute(_KEYS)


def policy(columns: dict[str, list[str]], *, documents: bool, texts: bool, masked: bool) -> Policy:
    """Decide about the shop: ``columns`` by table."""
    tables = {}
    for table, names in columns.items():
        methods = dict(MASKED.get(table, {})) if masked else {}
        if documents and table == "events":
            methods["payload"] = "json"
        if texts and table == "tickets":
            methods |= {"subject": "text", "body": "text"}
        tables[f"public.{table}"] = TablePolicy(
            columns={name: Decision(methods.get(name, "keep")) for name in names}
        )
    return Policy(tables)
