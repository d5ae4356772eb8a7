package org.apache.pulsar.opentelemetry;

import io.opentelemetry.api.OpenTelemetry;
import java.io.Closeable;
import java.util.function.Consumer;

/** The telemetry service the broker asks for at start, as one that records nothing. */
public class OpenTelemetryService implements Closeable {
    public static OpenTelemetryServiceBuilder builder() {
        return new OpenTelemetryServiceBuilder();
    }

    public OpenTelemetry getOpenTelemetry() {
        return OpenTelemetry.noop();
    }

    @Override
    public void close() {
    }

    /** Takes every setting and ignores it. */
    public static class OpenTelemetryServiceBuilder {
        public OpenTelemetryServiceBuilder builderCustomizer(Consumer<?> ignored) {
            return this;
        }

        public OpenTelemetryServiceBuilder clusterName(String ignored) {
            return this;
        }

        public OpenTelemetryServiceBuilder serviceName(String ignored) {
            return this;
        }

        public OpenTelemetryServiceBuilder serviceVersion(String ignored) {
            return this;
        }

        public OpenTelemetryService build() {
            return new OpenTelemetryService();
        }
    }
}
