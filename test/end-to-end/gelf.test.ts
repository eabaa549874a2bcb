/** GELF with its real client and the real agent. */
import { test } from 'node:test';
import { sendGelf } from './gelf.ts';

test('500 messages of gelf-pro over UDP, long ones in chunks: the mirror has each', () => sendGelf('udp', 500));

test('200 messages of gelf-pro over TCP: the mirror has each', () => sendGelf('tcp', 200));
