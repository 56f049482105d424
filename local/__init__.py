"""The embedded Kafka, PostgreSQL and Redis, and the processes of `millstream up`."""
