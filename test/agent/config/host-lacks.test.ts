/** Warnings about what a configuration needs and the host lacks: as told with any host, and with this one. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfiguration } from '../../../agent/config/load.ts';
import { hostAbilities, programMissing, unprivilegedPort } from '../../../agent/host/abilities.ts';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Abilities } from '../../../agent/ports.ts';
import { printed, sound, withSections } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-lacks-'));
after(() => rmSync(folder, { recursive: true }));

const capable: Abilities = {
  programMissing: () => undefined,
  datagramsMissing: () => undefined,
  unprivilegedPort: () => 0,
};
const all = `
  j: {type: journald}
  e: {type: exec, command: [smartctl, -a], run: once}
  s: {type: exec, shell: "a | b", run: once}
  u: {type: udp, listen: "127.0.0.1:514"}
  g: {type: unixgram, path: /run/x/log}
  sys: {type: syslog, listen: {udp: "127.0.0.1:515", tcp: "127.0.0.1:5514", unixgram: /run/x/log2}}
  h: {type: http, listen: "127.0.0.1:80"}
  any: {type: tcp, listen: "127.0.0.1:0"}
  f: {type: file, include: [/tmp/*.log]}`;

function told(collectors: string, abilities: Partial<Abilities>): string[] {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, withSections({ collectors }));
  const loaded = loadConfiguration(hostFiles, [path], {}, { abilities: { ...capable, ...abilities } });
  sound(loaded);
  return printed(loaded)
    .split('\n')
    .filter((line) => line.includes('warning'))
    .map((line) => line.slice(path.length));
}

test('a host that can do everything is told nothing', () => {
  assert.deepEqual(told(all, {}), []);
});

test('programs that cannot be found are warnings, at the collector that starts them', () => {
  const asked: string[] = [];
  const programs = told(all, {
    programMissing: (program) => {
      asked.push(program);
      return 'no folder of PATH has it';
    },
  });
  assert.deepEqual(asked, ['journalctl', 'smartctl']);
  assert.equal(programs.length, 2);
  assert.match(programs[0]!, /^:3:\d+: warning: `journalctl` cannot be started: no folder of PATH has it/);
  assert.match(programs[1]!, /^:4:\d+: warning: `smartctl` cannot be started/);
});

test('without the native part every collector of datagrams is told what that means for it', () => {
  const warnings = told(all, { datagramsMissing: (dataDir) => `${dataDir} is mounted noexec` });
  assert.deepEqual(
    warnings.map((line) => line.split(':')[1]),
    ['6', '7', '8', '8'],
  );
  assert.match(warnings[0]!, /noexec\): datagrams are received through Node’s sockets/);
  assert.match(warnings[1]!, /there are no unix datagram sockets without it/);
  assert.deepEqual(
    told('{f: {type: tcp, listen: "127.0.0.1:80"}}', { datagramsMissing: () => assert.fail('nobody needs it') }),
    [],
  );
});

test('low ports are warnings for a user who may not bind them', () => {
  const warnings = told(all, { unprivilegedPort: () => 1024 });
  assert.deepEqual(
    warnings.map((line) => line.split(':')[1]),
    ['6', '8', '9'],
  );
  assert.match(warnings[0]!, /port 514 cannot be bound by this user: ports below 1024 need CAP_NET_BIND_SERVICE/);
});

test('what this host says of itself: programs, capabilities, the first port that is free for all', () => {
  const program = join(folder, 'program');
  writeFileSync(program, '#!/bin/sh\n');
  chmodSync(program, 0o755);
  assert.equal(programMissing('program', `/nowhere::${folder}`), undefined);
  assert.equal(programMissing(program, ''), undefined);
  assert.equal(programMissing('program', '/nowhere'), 'no folder of PATH has it');
  assert.equal(programMissing(`${program}x`, folder), 'there is no such file');
  assert.equal(programMissing(folder, ''), 'it is not a file');
  const user = 'Name:\ta\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n';
  assert.equal(unprivilegedPort(user, '1024\n'), 1024);
  assert.equal(unprivilegedPort(user, '80\n'), 80);
  assert.equal(unprivilegedPort(user, '0\n'), 0);
  assert.equal(unprivilegedPort(user, undefined), 1024);
  assert.equal(unprivilegedPort(user.replace('0000\n', '0400\n'), '1024\n'), 0);
  assert.equal(unprivilegedPort(undefined, '1024\n'), 0);
  assert.ok(hostAbilities.unprivilegedPort() >= 0);
  assert.equal(hostAbilities.programMissing('node-that-is-nowhere'), 'no folder of PATH has it');
});
