import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfiguration } from '../../../agent/config/load.ts';
import { hostFiles } from '../../../agent/host/files.ts';
import { printed, sound, withSections } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-config-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes the files into a new folder and returns its path. */
function filesIn(name: string, texts: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(texts)) writeFileSync(join(path, file), text);
  return path;
}

const load = (...paths: string[]) => loadConfiguration(hostFiles, paths, {});

test('a folder is read in the order of its names; what is hidden or not YAML is left alone', () => {
  const path = filesIn('ordered', {
    'b.yml': 'collectors: {second: {type: file, include: [/b]}}',
    'a.yaml': withSections({ collectors: '{first: {type: file, include: [/a]}}' }),
    '.c.yaml': 'nonsense: 1',
    'd.yaml~': 'nonsense: 1',
    'e.txt': 'nonsense: 1',
  });
  const { collectors } = sound(load(path));
  assert.deepEqual(
    collectors.map(({ name }) => name),
    ['first', 'second'],
  );
  assert.deepEqual(sound(load(`${path}/`)), sound(load(join(path, 'a.yaml'), join(path, 'b.yml'))));
});

test('a ConfigMap folder is read through its links', () => {
  const path = filesIn('config-map', {});
  mkdirSync(join(path, '..data'));
  writeFileSync(join(path, '..data', 'a.yaml'), withSections({}));
  symlinkSync('..data/a.yaml', join(path, 'a.yaml'));
  sound(load(path));
});

test('files that cannot be read are all told, with the reason', () => {
  const path = filesIn('unreadable', {
    'latin1.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xe9]),
    'large.yaml': `# ${'x'.repeat(1024 * 1024)}\n`,
  });
  execFileSync('mkfifo', [join(path, 'fifo.yaml')]);
  symlinkSync('loop', join(path, 'loop'));
  const empty = filesIn('empty', {});
  const told = printed(load(path, join(path, 'nowhere.yaml'), join(path, 'loop'), empty));
  assert.match(told, /latin1\.yaml: error: cannot be read: it is not UTF-8 text/);
  assert.match(told, /large\.yaml: error: is larger than 1048576 bytes/);
  assert.match(told, /fifo\.yaml: error: is not a file but a fifo/);
  assert.match(told, /nowhere\.yaml: error: cannot be read: there is no such file or folder/);
  assert.match(told, /loop: error: cannot be read: its symlinks go in a circle/);
  assert.match(told, /empty: error: the folder has no \*\.yaml file in it/);
});

test('secrets that cannot be read, or that everybody can read, are warnings', () => {
  const path = filesIn('secrets', { open: 'x', closed: 'x' });
  chmodSync(join(path, 'open'), 0o644);
  chmodSync(join(path, 'closed'), 0o600);
  const shippers = (file: string) =>
    `{c: {type: http, protocol: native, url: "https://h/", auth: {bearer_file: ${join(path, file)}}}}`;
  const told = (file: string) => {
    writeFileSync(join(path, 'a.yaml'), withSections({ shippers: shippers(file) }));
    const loaded = load(join(path, 'a.yaml'));
    sound(loaded);
    return printed(loaded);
  };
  assert.equal(told('closed'), '');
  assert.match(told('open'), /a\.yaml:3:\d+: warning: everybody on this host can read/);
  assert.match(told('nowhere'), /warning: .*nowhere cannot be read: there is no such file/);
});

test('folders that cannot be looked into are warnings where they are asked for', () => {
  const path = filesIn('folders', {});
  const include = `[${path}/*.log, "${path}/nowhere/{a,b}/*.log"]`;
  writeFileSync(join(path, 'a.yaml'), withSections({ collectors: `{a: {type: file, include: ${include}}}` }));
  assert.equal(printed(load(path)), '');
  const loaded = loadConfiguration(hostFiles, [path], {}, { folders: true });
  sound(loaded);
  assert.match(printed(loaded), /a\.yaml:2:\d+: warning: .*\/nowhere cannot be looked into: there is no such file/);
  assert.equal(printed(loaded).match(/warning/g)?.length, 1);
});
