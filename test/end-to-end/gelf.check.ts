/** The long form of `gelf.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { sendGelf } from './gelf.ts';

test('100,000 messages of gelf-pro over UDP: the mirror has each', () => sendGelf('udp', 100_000));

// It opens a connection for each message: more would leave no port free.
test('10,000 messages of gelf-pro over TCP: the mirror has each', () => sendGelf('tcp', 10_000));
