/** Makes the collectors of plain sockets. */
import type { Collector } from '../collectors/ports.ts';
import { octetCountedFraming, prefixedFraming } from '../collectors/shared/framing/counted.ts';
import { lineFraming, nulFraming } from '../collectors/shared/framing/delimited.ts';
import type { Framing } from '../collectors/shared/framing/framing.ts';
import { groupedFraming } from '../collectors/shared/framing/grouped.ts';
import { DatagramCollector } from '../collectors/socket/datagram-collector.ts';
import { eventEncoder, textEncoder } from '../collectors/socket/records.ts';
import { StreamCollector } from '../collectors/socket/stream-collector.ts';
import type { Intake } from '../spool/nouns.ts';
import type { FramingConfiguration, SocketCollectorConfiguration } from './config/types.ts';
import type { Host } from './ports.ts';

export function makeSocketCollector(one: SocketCollectorConfiguration, host: Host, intake: Intake): Collector {
  const { streams, datagrams, clock, log, process } = host;
  const resource = { 'host.name': process.hostName, ...one.resource };
  const encoder = one.format === 'json' ? eventEncoder : textEncoder;
  if ('messageBytesMax' in one) {
    const { messageBytesMax } = one;
    const single = () => framingFor(one.framing, messageBytesMax);
    const framing = one.multiline ? groupedFraming(single, one.multiline) : single;
    return new StreamCollector({ ...one, resource, encoder, framing }, { intake, streams, clock, log });
  }
  const { datagramBytesMax } = one.listen;
  const framing = one.format === 'text' ? () => lineFraming(datagramBytesMax) : undefined;
  return new DatagramCollector({ ...one, resource, encoder, framing }, { intake, datagrams, clock, log });
}

function framingFor(framing: FramingConfiguration, bytesMax: number): Framing {
  switch (framing.kind) {
    case 'newline':
      return lineFraming(bytesMax);
    case 'nul':
      return nulFraming(bytesMax);
    case 'octet_counted':
      return octetCountedFraming(bytesMax);
    case 'length':
      return prefixedFraming(bytesMax, framing);
    default:
      throw new Error(`no such framing: ${JSON.stringify(framing satisfies never)}`);
  }
}
