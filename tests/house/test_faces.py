"""Everything by the command line and by the API: what one lacks is named here, with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import click

from greenroom.api.app import describe
from greenroom.cli.main import main

OPERATIONS_OF: dict[str, tuple[str, ...]] = {
    "project add": ("add_project",), "project branches": ("list_branches",),
    "project list": ("list_projects",), "project set-access": ("set_access",),
    "project set-assets": ("get_files", "set_files", "forget_files"),
    "project set-database": ("set_production_database",), "project set-forge": ("set_forge",),
    "project set-host": ("set_site", "forget_site_of"), "project set-life": ("set_life",),
    "project set-previews": ("set_previews",), "project set-production": ("set_production",),
    "variable list": ("list_variables",), "variable set": ("set_variable",),
    "variable unset": ("unset_variable",),
    "env approve-fork": ("approve_fork",), "env create": ("create_environment",),
    "env destroy": ("destroy_environment",), "env extend": ("extend_environment",),
    "env free": ("release_hold",), "env list": ("list_all_environments", "list_environments"),
    "env show": ("get_environment", "list_deployments", "get_review"),
    "env wake": ("wake_environment",),
    "domain add": ("add_domain",), "domain list": ("list_domains",),
    "domain remove": ("remove_domain",), "domain verify": ("verify_domain",),
    "deploy": ("deploy",), "approve": ("say_verdict",), "request-changes": ("say_verdict",),
    "promote": ("promote",), "rollback": ("roll_back",), "cancel": ("cancel",),
    "logs": ("get_log", "download_log", "follow_log"),
    "data approve": ("approve_policy",), "data back": ("go_back",), "data check": ("check_policy",),
    "data decide": ("decide_column",), "data discover": ("propose_policy",),
    "data log": ("get_sync_log",), "data policy": ("get_policy", "list_policies"),
    "data report": ("get_report", "get_report_page"), "data rotate-key": ("rotate_key",),
    "data stop": ("cancel_sync",), "data syncs": ("list_syncs", "get_sync"), "sync": ("sync",),
    "assets list": ("list_file_syncs",), "assets plan": ("sync_files",),
    "assets stop": ("cancel_files",), "assets sync": ("sync_files",),
    "cleanup": ("clean_up", "get_cleanup"),
    "backup list": ("list_backups",), "backup write": ("download_backup",),
    "compare": ("compare", "get_comparison"), "performance": ("measure", "get_measurement"),
    "changes": ("get_comparison", "decide_on_changes"),
    "ignore": ("list_ignored_parts", "ignore_part", "heed_part"),
    "share add": ("create_link",), "share extend": ("extend_link",), "share list": ("list_links",),
    "share revoke": ("revoke_link",), "share views": ("list_views",),
    "comments issue": ("make_issue",), "comments list": ("list_threads",),
    "comments reply": ("reply",), "comments resolve": ("set_resolved",),
    "tracker forget": ("forget_tracker",), "tracker set": ("set_tracker",),
    "tracker set-secret": ("set_tracker_secret",),
    "tracker show": ("get_tracker", "show_tracker_webhook"),
    "mail allow": ("set_mail_release", "get_mail_release"), "mail delete": ("delete_mail",),
    "mail list": ("list_mail",), "mail release": ("release_mail_to",),
    "mail server": ("set_mail_release",), "mail show": ("get_mail", "get_mail_source"),
    "hosts add": ("add_host",), "hosts check": ("check_host",), "hosts drain": ("drain_host",),
    "hosts list": ("list_hosts",), "hosts remove": ("remove_host",),
    "notify add": ("add_target",), "notify list": ("list_targets",),
    "notify remove": ("remove_target",), "notify test": ("test_target",),
    "user activate": ("activate_user",), "user add": ("add_user",),
    "user deactivate": ("deactivate_user",), "user list": ("list_users",),
    "user reset-password": ("reset_password",), "user sessions": ("list_sessions", "end_session"),
    "user set-email": ("set_email",), "user set-role": ("set_role",),
    "member list": ("list_members",), "member set": ("set_member",),
    "token add": ("add_token",), "token list": ("list_tokens",), "token revoke": ("revoke_token",),
    "audit": ("list_audit",), "doctor isolation": ("check_isolation", "list_checks"),
}  # fmt: skip
OF_THE_MACHINE = {
    "up": "starts what serves the API",
    "down": "ends what serves the API",
    "status": "the machine's processes: asked where they run, also when the API does not answer",
    "doctor": "examines the machine, also when the API does not answer",
    "demo": "a play for whoever sits there",
    "init": "writes a file into the user's own folder",
    "assets cdn": "prints what an administrator of a CDN pastes",
    "data verify": "checks a report's signature without the platform",
}
"""Commands that the API has not, and why."""
OF_PROGRAMS = {
    "get_project": "`project list` shows it",
    "get_deployment": "`env show` and `deploy` show it",
    "show_webhook": "`project add` prints it",
    "get_me": "whose token it is",
    "list_comparisons": "`compare` shows the newest",
    "get_comparison_file": "a picture",
    "list_sites": "`project set-host` says it as it names one",
    "list_measurements": "`performance` shows the newest",
    "list_cleanups": "`cleanup` shows it",
    "delete_all_mail": "`mail delete` without a number",
}
"""Operations that the command line has under no name of its own, and why."""


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    if command.invoke_without_command:
        yield " ".join(path)
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, (*path, name))


def test_every_command_is_an_operation_too() -> None:
    commands = set(_commands(main))
    named = set(OPERATIONS_OF) | set(OF_THE_MACHINE)
    assert not set(OPERATIONS_OF) & set(OF_THE_MACHINE)
    assert commands - named == set(), "give it an operation, or say why it has none"
    assert named - commands == set(), "it is no command any more"


def test_every_operation_is_a_command_too() -> None:
    operations = {
        str(one["operationId"]) for item in describe()["paths"].values() for one in item.values()
    }
    used = {name for names in OPERATIONS_OF.values() for name in names}
    assert used - operations == set(), "there is no such operation"
    assert operations - used - set(OF_PROGRAMS) == set(), "give it a command, or say why not"
    assert set(OF_PROGRAMS) <= operations - used
