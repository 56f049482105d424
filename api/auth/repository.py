"""Table `users`."""

from __future__ import annotations

from uuid import UUID

from millstream.api.database import Pool

ENSURE = """
INSERT INTO users (id, email, name) VALUES (%(id)s, 'local@localhost', 'Local user') ON CONFLICT DO NOTHING
"""


async def ensure_user(pool: Pool, user_id: UUID) -> None:
    """Make the local user if it is not there: graphs and files belong to a user."""
    async with pool.connection() as conn:
        await conn.execute(ENSURE, {"id": user_id})
