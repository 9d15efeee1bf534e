"""Alembic's entry: runs inside the connection that `adductor.store.migrate` opens."""

from alembic import context

from adductor.store.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite can't alter columns in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
