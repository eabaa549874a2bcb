/** The real logrotate, on a folder of logs. */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface RotationStyle {
  readonly copytruncate: boolean;
  readonly compress: boolean;
}

export const rotationStyles: readonly RotationStyle[] = [
  { copytruncate: false, compress: false },
  { copytruncate: false, compress: true },
  { copytruncate: true, compress: false },
  { copytruncate: true, compress: true },
];

/** True where logrotate is installed. */
export const haveLogrotate = ['/usr/sbin/logrotate', '/usr/bin/logrotate'].find((path) => fs.existsSync(path));

/** Rotates all `*.log` of `logs` once. State and configuration lie in `folder`. `after` is a shell line for postrotate. */
export async function rotate(folder: string, logs: string, style: RotationStyle, after?: string): Promise<void> {
  const config = join(folder, 'logrotate.conf');
  fs.writeFileSync(
    config,
    [
      `${JSON.stringify(join(logs, '*.log'))} {`,
      '  rotate 1000',
      '  missingok',
      style.copytruncate ? '  copytruncate' : '  create 0600',
      style.compress ? '  compress' : '  nocompress',
      ...(after ? ['  sharedscripts', '  postrotate', `    ${after}`, '  endscript'] : []),
      '}',
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  await promisify(execFile)(haveLogrotate!, ['-f', '-s', join(folder, 'logrotate.state'), config]);
}
