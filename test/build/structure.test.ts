/** The rules between the rooms, each broken once; `npm run structure` holds the sources to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFile } from '../../build/structure.ts';

const breaches: [string, string, RegExp][] = [
  ['spool/x.ts', "import { a } from '../collectors/ports.ts';", /spool\/ may not import collectors\/ports.ts/],
  ['spool/x.ts', "import * as fs from 'node:fs';", /node:fs is for agent\/host only/],
  ['spool/x.ts', "import { z } from 'zod';", /may not use the package zod/],
  ['collectors/file/x.ts', "import type { A } from '../../shippers/ports.ts';", /may not import shippers\/ports.ts/],
  ['collectors/file/x.ts', "import { A } from '../../spool/writer.ts';", /may not import spool\/writer.ts/],
  ['shippers/http/x.ts', "const { request } = await import('undici');", /package undici/],
  ['shippers/http/x.ts', 'const now = Date.now();', /Date.now/],
  ['shippers/http/x.ts', 'setTimeout(go, 10);', /setTimeout/],
  ['processors/x.ts', 'if (Math.random() < 0.5) return;', /Math.random/],
  ['agent/x.ts', "import { createServer } from 'node:http';", /node:http is for agent\/host only/],
  ['agent/x.ts', 'process.exit(1);', /process.exit/],
  ['agent/host/x.ts', "import { a } from '../agent.ts';", /may not import agent\/agent.ts/],
  ['agent/host/x.ts', "import { connect } from 'node:tls';", /only where TLS is used/],
  ['elsewhere/x.ts', '', /belongs to no room/],
];

for (const [file, source, message] of breaches) {
  test(`in ${file} this is a breach: ${source}`, () => {
    const found = checkFile(file, `/** A file. */\n${source}\n`);
    assert.equal(found.length, 1);
    assert.match(found[0]!.message, message);
  });
}

const fine: [string, string][] = [
  ['spool/x.ts', "import { crc32 } from 'node:zlib';"],
  ['collectors/file/x.ts', "import type { Intake } from '../../spool/nouns.ts';"],
  ['collectors/file/x.ts', "import picomatch from 'picomatch';"],
  ['shippers/http/x.ts', '// Date.now() is not used here'],
  ['shippers/http/x.ts', "throw new Error('setTimeout is not for you');"],
  ['agent/x.ts', 'const pid = host.process.pid;'],
  ['agent/host/x.ts', "import * as fs from 'node:fs';"],
  ['agent/host/x.ts', "import type { Host } from '../ports.ts';"],
  ['agent/host/x.ts', "import type { TLSSocket } from 'node:tls';"],
  ['test/spool/x.ts', "import * as fs from 'node:fs';"],
];

for (const [file, source] of fine) {
  test(`in ${file} this is fine: ${source}`, () => {
    assert.deepEqual(checkFile(file, `/** A file. */\n${source}\n`), []);
  });
}
