package org.apache.pulsar.opentelemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;

/** Names the broker labels its telemetry with. Written from the broker's own references; it records nothing. */
public interface OpenTelemetryAttributes {
    AttributeKey<String> ML_CURSOR_NAME = AttributeKey.stringKey("ml.cursor");
    AttributeKey<String> ML_LEDGER_NAME = AttributeKey.stringKey("ml.ledger");
    AttributeKey<String> ML_NAME = AttributeKey.stringKey("ml.name");
    AttributeKey<Long> PULSAR_CONSUMER_ID = AttributeKey.longKey("consumer.id");
    AttributeKey<String> PULSAR_CONSUMER_NAME = AttributeKey.stringKey("consumer.name");
    AttributeKey<String> PULSAR_DOMAIN = AttributeKey.stringKey("domain");
    AttributeKey<String> PULSAR_NAMESPACE = AttributeKey.stringKey("namespace");
    AttributeKey<Long> PULSAR_PARTITION_INDEX = AttributeKey.longKey("partition");
    AttributeKey<String> PULSAR_PRODUCER_ACCESS_MODE = AttributeKey.stringKey("producer.access");
    AttributeKey<Long> PULSAR_PRODUCER_ID = AttributeKey.longKey("producer.id");
    AttributeKey<String> PULSAR_PRODUCER_NAME = AttributeKey.stringKey("producer.name");
    AttributeKey<String> PULSAR_REPLICATION_REMOTE_CLUSTER_NAME = AttributeKey.stringKey("remote.cluster");
    AttributeKey<String> PULSAR_SUBSCRIPTION_NAME = AttributeKey.stringKey("subscription.name");
    AttributeKey<String> PULSAR_SUBSCRIPTION_TYPE = AttributeKey.stringKey("subscription.type");
    AttributeKey<String> PULSAR_TENANT = AttributeKey.stringKey("tenant");
    AttributeKey<String> PULSAR_TOPIC = AttributeKey.stringKey("topic");
    AttributeKey<Long> PULSAR_TRANSACTION_COORDINATOR_ID = AttributeKey.longKey("transaction.coordinator");

    enum BacklogQuotaType { SIZE, TIME; public final Attributes attributes = Attributes.empty(); }
    enum CacheEntryStatus { ACTIVE, EVICTED, INSERTED; public final Attributes attributes = Attributes.empty(); }
    enum CacheOperationStatus { HIT, MISS; public final Attributes attributes = Attributes.empty(); }
    enum CompactionStatus { FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty(); }
    enum ConnectionCreateStatus { FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty(); }
    enum ConnectionRateLimitOperationName {
        PAUSED, RESUMED, THROTTLED, UNTHROTTLED; public final Attributes attributes = Attributes.empty();
    }
    enum ConnectionStatus { ACTIVE, CLOSE, OPEN; public final Attributes attributes = Attributes.empty(); }
    enum InflightReadLimiterUtilization { FREE, USED; public final Attributes attributes = Attributes.empty(); }
    enum ManagedCursorOperationStatus { FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty(); }
    enum ManagedLedgerOperationStatus { FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty(); }
    enum PoolArenaType { HUGE, NORMAL, SMALL; public final Attributes attributes = Attributes.empty(); }
    enum PoolChunkAllocationType { ALLOCATED, USED; public final Attributes attributes = Attributes.empty(); }
    enum TransactionBufferClientOperationStatus {
        FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty();
    }
    enum TransactionPendingAckOperationStatus {
        FAILURE, SUCCESS; public final Attributes attributes = Attributes.empty();
    }
    enum TransactionStatus {
        ABORTED, ACTIVE, COMMITTED, CREATED, TIMEOUT; public final Attributes attributes = Attributes.empty();
    }
}
