/** Syncs as the kernel sees them, of ours and of the peers: a short run of each under strace. Its speed and CPU say nothing. */
import { join } from 'node:path';
import type { Measured, Part } from '../figures.ts';
import { mib, sizeText } from '../numbers.ts';
import type { Options } from '../options.ts';
import { makeText } from '../texts/text.ts';
import { straceMissing } from '../trace.ts';
import { findPeers } from '../ways/peer-programs.ts';
import { throughRsyslog, throughSyslogNg } from '../ways/peers.ts';
import { wholePath } from '../ways/tailspool.ts';

const bytesMax = 16 * mib;

export function fsyncs(folder: string, options: Options): Part {
  const log = makeText(join(folder, 'text.log'), 'nginx', Math.min(options.bytes, bytesMax), options.seed);
  const missing = straceMissing();
  const peers = options.peers && !missing ? findPeers() : undefined;
  return {
    name: 'fsyncs',
    title: `fsync, fdatasync and the like for ${sizeText(log.bytes)} of log, each process slowed down by strace; cursors included`,
    notes: missing ? ['left out: strace is not installed'] : (peers?.notes ?? []),
    async round(round) {
      if (missing) return [];
      const place = (name: string) => join(folder, `${name}-${round}`);
      const measured = await wholePath(place('own'), log, { out: false, traced: true });
      const { rsyslog, syslogNg } = peers ?? {};
      if (rsyslog) measured.push(...(await throughRsyslog(rsyslog, place('rsyslog'), log, true)));
      if (syslogNg) measured.push(...(await throughSyslogNg(syslogNg, place('ng'), log, true)));
      return measured.map(syncsOnly);
    },
  };
}

function syncsOnly({ figures, ...one }: Measured): Measured {
  return { ...one, figures: figures.fsyncs === undefined ? {} : { fsyncs: figures.fsyncs } };
}
