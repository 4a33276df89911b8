"""The one static set of rules that keeps guarded networks: for nftables, and for iptables. Pure.

It matches interfaces by the prefix that only this platform's guarded networks have, so that it
never changes when an environment comes or goes and touches nobody else's containers. Nothing is
forwarded out of a guarded network, nor into one; of the host only our own servers are reached.
Sources: nft(8); iptables-extensions(8); Docker documentation, "Packet filtering and firewalls".
"""

from __future__ import annotations

from greenroom.egress import FAKE_NETWORK
from greenroom.guarding import Guard

MAIL_PORTS = (25, 587, 2525)
"""Ports of mail that begins in the clear. Source: RFC 5321, RFC 6409; 2525 is common usage."""
MAIL_TLS_PORT = 465
"""Source: RFC 8314 section 3.3."""


def render_nft(guard: Guard) -> str:
    """Write the rules for ``nft -f``: the table is replaced as a whole."""
    ours = f'"{guard.prefix}*"'
    tcp = ", ".join(map(str, guard.ports))
    mail = ", ".join(map(str, MAIL_PORTS))
    table = f"inet {guard.label}"
    # "fib daddr . iif oif exists": the way to it leads back by the interface it came from.
    return f"""\
table {table} {{}}
delete table {table}
table {table} {{
  chain capture {{
    type nat hook prerouting priority dstnat - 10; policy accept;
    iifname != {ours} return
    meta nfproto ipv6 return
    udp dport 53 redirect to :{guard.dns_port}
    fib daddr . iif oif exists return
    tcp dport {{ {mail} }} redirect to :{guard.mail_starttls_port}
    tcp dport {MAIL_TLS_PORT} redirect to :{guard.mail_tls_port}
    tcp dport 53 redirect to :{guard.dns_port}
    ip daddr {FAKE_NETWORK} meta l4proto tcp redirect to :{guard.proxy_port}
    tcp dport 443 fib daddr type != local redirect to :{guard.proxy_port}
  }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    iifname {ours} jump leaving
    oifname {ours} drop
  }}
  chain leaving {{
    meta nfproto ipv4 fib daddr . iif oif exists accept
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }}
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    iifname {ours} jump to_host
    iifname != "lo" iifname != {ours} tcp dport {{ {tcp} }} drop
    iifname != "lo" iifname != {ours} udp dport {guard.dns_port} drop
  }}
  chain to_host {{
    meta nfproto ipv6 drop
    ct state established,related accept
    tcp dport {{ {tcp} }} accept
    udp dport {guard.dns_port} accept
    meta l4proto tcp reject with tcp reset
    drop
  }}
}}
"""


def render_iptables(guard: Guard) -> str:
    """Write the rules for ``iptables-restore --noflush``: our own chains alone."""
    tag = chain_tag(guard)
    tcp = ",".join(map(str, guard.ports))
    mail = ",".join(map(str, MAIL_PORTS))
    local, away = "-m addrtype --dst-type LOCAL", "-m addrtype ! --dst-type LOCAL"
    # A network's own containers are not told from the rest before routing: private addresses are
    # left to the filter, which lets pass what stays on its bridge.
    redirects = (
        f"-p udp --dport 53 -j REDIRECT --to-ports {guard.dns_port}",
        f"-d 10.0.0.0/8 {away} -j RETURN",
        f"-d 172.16.0.0/12 {away} -j RETURN",
        f"-d 192.168.0.0/16 {away} -j RETURN",
        f"-p tcp -m multiport --dports {mail} -j REDIRECT --to-ports {guard.mail_starttls_port}",
        f"-p tcp --dport {MAIL_TLS_PORT} -j REDIRECT --to-ports {guard.mail_tls_port}",
        f"-p tcp --dport 53 -j REDIRECT --to-ports {guard.dns_port}",
        f"-p tcp -d {FAKE_NETWORK} -j REDIRECT --to-ports {guard.proxy_port}",
        f"-p tcp --dport 443 {away} -j REDIRECT --to-ports {guard.proxy_port}",
    )
    lines = [
        "*nat", f":{tag}N - [0:0]", f"-F {tag}N", *(f"-A {tag}N {rule}" for rule in redirects),
        "COMMIT", "*filter", f":{tag}F - [0:0]", f":{tag}I - [0:0]", f":{tag}O - [0:0]",
        f"-F {tag}F", f"-F {tag}I", f"-F {tag}O",
        f"-A {tag}F -m physdev --physdev-is-bridged -j RETURN",
        f"-A {tag}F -p tcp -j REJECT --reject-with tcp-reset",
        f"-A {tag}F -j REJECT --reject-with icmp-admin-prohibited",
        f"-A {tag}I -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-A {tag}I -p tcp -m multiport --dports {tcp} {local} -j ACCEPT",
        f"-A {tag}I -p udp --dport {guard.dns_port} -j ACCEPT",
        f"-A {tag}I -p tcp -j REJECT --reject-with tcp-reset",
        f"-A {tag}I -j DROP",
        f"-A {tag}O -i lo -j RETURN",
        f"-A {tag}O -i {guard.prefix}+ -j RETURN",
        f"-A {tag}O -p tcp -m multiport --dports {tcp} -j DROP",
        f"-A {tag}O -p udp --dport {guard.dns_port} -j DROP",
        "COMMIT",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def chain_tag(guard: Guard) -> str:
    """Begin the names of a platform's chains."""
    return f"GR-{guard.label[-6:]}-"


def iptables_jumps(guard: Guard, has_docker_user: bool) -> tuple[tuple[str, str, str], ...]:
    """Give where our chains are entered: table, chain and rule, each to be its chain's first."""
    tag, ours = chain_tag(guard), f"{guard.prefix}+"
    forward = "DOCKER-USER" if has_docker_user else "FORWARD"
    return (
        ("nat", "PREROUTING", f"-i {ours} -j {tag}N"),
        ("filter", forward, f"-o {ours} ! -i {ours} -j DROP"),
        ("filter", forward, f"-i {ours} -j {tag}F"),
        ("filter", "INPUT", f"-j {tag}O"),
        ("filter", "INPUT", f"-i {ours} -j {tag}I"),
    )


def ip6tables_jumps(guard: Guard) -> tuple[tuple[str, str, str], ...]:
    """Give the rules that close IPv6: all of it."""
    ours = f"{guard.prefix}+"
    return (
        ("filter", "FORWARD", f"-i {ours} -j DROP"),
        ("filter", "FORWARD", f"-o {ours} -j DROP"),
        ("filter", "INPUT", f"-i {ours} -j DROP"),
    )
