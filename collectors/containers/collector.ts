/**
 * Logs of containers: the file collector, with the lines put together that a runtime cut, and with whose they are told by their paths. Its
 * cursors, rotation and everything else are those of `collectors/file/`.
 */
import type { Files } from '../../spool/ports.ts';
import { createFileCollector } from '../file/collector.ts';
import type { FileCollectorOptions, FileCollectorPorts } from '../file/options.ts';
import type { Collector } from '../ports.ts';
import { containerAttributes } from './attributes.ts';
import { ContainerLines } from './shape.ts';

export type ContainersOptions = Omit<FileCollectorOptions, 'encoding' | 'logs'>;

export function createContainersCollector(options: ContainersOptions, ports: FileCollectorPorts): Collector {
  const shape = new ContainerLines(options);
  const attributesOf = (path: string) => containerAttributes(pathsOf(path, ports.files));
  const logs = { type: 'containers', shape, attributesOf };
  return createFileCollector({ ...options, encoding: undefined, logs }, ports);
}

/** The path, and where links lead from there. */
function pathsOf(path: string, files: Files): string[] {
  const paths = [path];
  try {
    for (let at = path; paths.length < 8; paths.push(at)) at = files.readLink(at);
  } catch {
    // The last one is no link, or is gone: the names so far tell enough.
  }
  return paths;
}
