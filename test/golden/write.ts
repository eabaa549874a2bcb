/**
 * Wrote the golden files of format version 1; run again only for a new version, into a folder of its own, for the old ones
 * must stay as they are. `node test/golden/write.ts`
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { chooseCodec } from '../../agent/host/codec.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { CursorFile } from '../../spool/cursor-file.ts';
import { foldersOf } from '../../spool/layout.ts';
import { goldenCursor, goldenSegments } from './golden.ts';

const root = join(import.meta.dirname, 'v1');
fs.mkdirSync(root);
for (const [path, bytes] of goldenSegments(chooseCodec().codec)) {
  fs.mkdirSync(dirname(join(root, path)), { recursive: true });
  fs.writeFileSync(join(root, path), bytes);
}
fs.mkdirSync(join(root, 'agent/cursors'));
const file = new CursorFile(hostFiles, foldersOf(join(root, 'agent')), 'central', { kind: 'none' });
await file.save({ ...goldenCursor, passed: { records: 0, bytes: 0 } });
await file.save(goldenCursor);
file.close();
