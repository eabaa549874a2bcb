/** Log records by the real OpenTelemetry SDK for Node. */
import { SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

export type SdkEncoding = 'protobuf' | 'json';

export function sdk(url: string, encoding: SdkEncoding, headers: Record<string, string> = {}) {
  const options = { url, headers, compression: 'gzip' as never };
  const exporter = encoding === 'protobuf' ? new ProtobufExporter(options) : new JsonExporter(options);
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: 200_000, scheduledDelayMillis: 50 });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'service.instances': 3 }),
    processors: [processor],
  });
  return { provider, logger: provider.getLogger('cart', '1.2.3') };
}

export { SeverityNumber };
