"""Names that vulture believes unused and that are used all the same, one a line: `_.name  # by whom`."""

# Called by asyncio on a Protocol.
_.connection_made  # asyncio.Protocol
_.connection_lost  # asyncio.Protocol
_.data_received  # asyncio.Protocol
_.eof_received  # asyncio.Protocol
_.pause_writing  # asyncio.Protocol
_.resume_writing  # asyncio.Protocol
_.datagram_received  # asyncio.DatagramProtocol

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

# Fields of answers and documents: read by clients, or by msgspec and pydantic.
_.schema_  # gateway/api/models.py
_.sound_until  # gateway/api/models.py
_.give_back_at  # gateway/api/models.py
_.data_seq  # gateway/api/models.py
_.data_age_ms  # gateway/api/models.py
_.annotations  # gateway/api/history_shapes.py
_.per_month  # gateway/api/health_shapes.py
_.bad_share  # gateway/api/health_shapes.py
_.learned_period_s  # gateway/api/health_shapes.py
_.class_  # gateway/api/health_shapes.py
_.recipient  # gateway/api/evidence_shapes.py
_.true  # gateway/api/evidence_shapes.py
_.false  # gateway/api/evidence_shapes.py
_.false_per_day  # gateway/api/evidence_shapes.py
_.place_name  # gateway/api/camera_shapes.py
_.told_at  # gateway/api/camera_shapes.py
_.zones_max  # gateway/api/camera_shapes.py
_.points_max  # gateway/api/camera_shapes.py
_.snooze_max_ms  # gateway/api/camera_shapes.py
_.points_total  # gateway/api/listings.py
_.taken_out_at  # gateway/api/listings.py
_.replaces  # gateway/api/listings.py
_.target_s  # gateway/api/figures.py
_.CGCS2000  # a datum a catalogue may name
_.merged_into  # incident/1 readers of a later release

# Called by the standard library or a server on what we hand it.
_.capture_signals  # uvicorn.Server
_.should_exit  # uvicorn.Server
_.protocol_version  # http.server
_.disable_nagle_algorithm  # http.server
_.do_GET  # http.server
_.do_POST  # http.server
_.handle_error  # http.server
_.daemon_threads  # http.server
_.close_connection  # http.server
_.log_message  # http.server
_.handle_starttag  # html.parser
_.handle_data  # html.parser
_.StartElementHandler  # xml.parsers.expat
_.EndElementHandler  # xml.parsers.expat
_.CharacterDataHandler  # xml.parsers.expat
_.StartDoctypeDeclHandler  # xml.parsers.expat
_.font  # openpyxl
_.freeze_panes  # openpyxl

# The simulator's verbs and a partner's test harness: called by users.
_.heat  # devices/simulator/verbs.py
_.co  # devices/simulator/verbs.py
_._packet_queue  # tests/gateway/test_mqtt_packets.py: paho's own method, replaced to see its bytes
