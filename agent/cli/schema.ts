/** `tailspool schema`: the JSON Schema of the configuration, for editors. */
import { configurationCode } from '../config/code.ts';
import { type Command, exitCodes } from './commands.ts';

export const schemaCommand: Command<object> = async (_options, context) => {
  const { configurationJsonSchema } = await configurationCode();
  await context.out(`${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`);
  return exitCodes.ok;
};
