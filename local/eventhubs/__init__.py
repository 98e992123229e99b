"""An Event Hubs namespace on this machine: AMQP 1.0, durable log per partition, faults on command."""
