"""Names that vulture believes unused and that are used all the same, one a line: `_.name  # by whom`."""

# Called by asyncio on a Protocol.
_.connection_made  # asyncio.Protocol
_.connection_lost  # asyncio.Protocol
_.data_received  # asyncio.Protocol
_.eof_received  # asyncio.Protocol
_.pause_writing  # asyncio.Protocol
_.resume_writing  # asyncio.Protocol

# Read by the database libraries.
_.isolation_level  # sqlite3.Connection
_.text_factory  # sqlite3.Connection
_.row_factory  # sqlite3.Connection
_.type_annotation_map  # sqlalchemy's DeclarativeBase
_.revision  # alembic's migrations
_.down_revision  # alembic's migrations
_.upgrade  # alembic's migrations
_.downgrade  # alembic's migrations

# Found by name in a plug-in.
_.send  # the channel registry
