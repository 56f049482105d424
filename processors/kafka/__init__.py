"""Kafka clusters of users: connections through the guard, properties by an allow-list, records in JSON, text, bytes or Avro.

Nothing here knows of the platform's own Kafka. `cluster` says where and how, `connection` opens guarded clients, `reading` and
`writing` use them, `formats` and `registry` turn bytes into values and back.
"""
