"""Follow what was said on pages: pictures of it, and the projects' trackers."""

from __future__ import annotations

from prefect import flow

from tasks.remarks import (
    list_news,
    list_unpictured,
    picture_thread,
    tell_tracker,
)


@flow(name="follow_comments", flow_run_name="follow-comments")
def follow_comments() -> int:
    """Take the pictures of new threads, then bring their issues up to date; give how many."""
    pictured = list_unpictured()
    for thread in pictured:
        picture_thread(thread)
    news = list_news()
    for thread in news:
        tell_tracker(thread)
    return len(pictured) + len(news)
