/** Log records by the real OpenTelemetry SDK for Node. */
import { SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';

export type SdkEncoding = 'protobuf' | 'json';

/** What an agent that is being killed may keep somebody waiting, on a machine on which everything else runs too. */
const exportTimeoutMs = 600_000;
const pauseMs = 100;

export function sdk(url: string, encoding: SdkEncoding, headers: Record<string, string> = {}) {
  const options = { url, headers, compression: 'gzip' as never };
  const exporter = new Persistent(encoding === 'protobuf' ? new ProtobufExporter(options) : new JsonExporter(options));
  const processor = new BatchLogRecordProcessor({
    ...{ exporter, maxQueueSize: 200_000, scheduledDelayMillis: 50, exportTimeoutMillis: exportTimeoutMs },
  });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'service.instances': 3 }),
    processors: [processor],
  });
  return { provider, logger: provider.getLogger('cart', '1.2.3'), exporter };
}

/**
 * The SDK's exporter throws a batch away ten seconds or five attempts after the first failure. What it gives up is exported again here, so that
 * what is missing in the end is what somebody had acknowledged.
 */
class Persistent implements LogRecordExporter {
  readonly #inner: LogRecordExporter;
  /** Batches that the SDK's exporter had thrown away, and why the last. */
  givenUp = 0;
  lastError = '';

  constructor(inner: LogRecordExporter) {
    this.#inner = inner;
  }

  export(...[logs, done]: Parameters<LogRecordExporter['export']>): void {
    this.#inner.export(logs, (result) => {
      if (result.code === 0) return done(result);
      this.givenUp++;
      this.lastError = String(result.error);
      setTimeout(() => this.export(logs, done), pauseMs);
    });
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush();
  }
}

export { SeverityNumber };
