/** What the two machines of a run of the whole are configured to do. */
import { folder } from './logs.ts';
import { groups, parts, wide } from './scripts.ts';

const plainCollector = `
collectors: { app: { type: file, include: [${folder}/*.log], scan_interval: 1s, partial_timeout: 1s } }`;

/** Of what is written in two the rest may be in a file that a scan has to find first. */
const shapedCollectors = `
collectors:
  groups:
    type: file
    include: [${folder}/a.log]
    multiline: { start: '^a ', continue: '^\\s', timeout: 700ms }
    scan_interval: 1s
    partial_timeout: 1s
  pods: { type: containers, include: [${folder}/b.log], scan_interval: 1s, partial_timeout: 4s }
  wide: { type: file, include: [${folder}/c.log], encoding: utf-16, scan_interval: 1s, partial_timeout: 1s }`;
/** How what these collect is written. */
export const shapedScripts = [groups, parts, wide];

export const edgeYaml = (retain: string, shaped: boolean) => `
data_dir: /data${shaped ? shapedCollectors : plainCollector}
spool: { max_size: 16MiB, min_free: 0, retain_acked: ${retain} }
shippers: { central: { type: http, protocol: native, url: "http://127.0.0.1:8600/v1/blocks", retry_max: 2s } }
`;

export const centreYaml = `
data_dir: /data
collectors: { edge: { type: blocks, listen: "127.0.0.1:8600" } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { mirror: { type: mirror, path: /out } }
`;
