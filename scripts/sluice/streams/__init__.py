"""Broker to landing zone, exactly once: Kafka and Pulsar topics become micro-batch files in
`landing/<feed>/`."""
