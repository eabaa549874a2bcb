/** `tailspool selftest`: tries each part that is built in on this host; exit 1 where one cannot be used. Changes nothing. */
import { configurationCode } from '../config/code.ts';
import { type EmbeddedPart, embeddedParts } from '../host/selftest.ts';
import { versionLine } from '../host/version.ts';
import { type Command, exitCodes } from './commands.ts';

export const selftestCommand: Command<object> = async (_options, context) => {
  await context.out(`tailspool ${versionLine}\n`);
  let failed = 0;
  for (const { name, check } of [...embeddedParts({ write() {} }), configuration]) {
    try {
      await context.out(`ok      ${name}: ${await check()}\n`);
    } catch (error) {
      failed++;
      await context.out(`FAILED  ${name}: ${(error as Error).message}\n`);
    }
  }
  return failed === 0 ? exitCodes.ok : exitCodes.runtime;
};

/** YAML, the schema and its messages. */
const configuration: EmbeddedPart = {
  name: 'configuration',
  async check() {
    const sound = 'data_dir: /d\ncollectors: { logs: { type: file, include: [/l/*.log] } }\n';
    const { parseConfiguration } = await configurationCode();
    const parse = (text: string) => parseConfiguration([{ file: 'selftest.yaml', text }], {});
    const loaded = parse(sound);
    if (loaded.kind === 'bad') throw new Error(`a sound one is refused: ${loaded.problems[0]?.message}`);
    const refused = parse(sound.replace('include', 'inklude'));
    if (refused.kind === 'ok') throw new Error('a wrong key is taken');
    return `a wrong key is named: ${refused.problems[0]?.message}`;
  },
};
